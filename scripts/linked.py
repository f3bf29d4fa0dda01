#!/usr/bin/env python3
"""What the programs are made of: every package that is linked in, with its licence.

Without an argument it checks that src-tauri/crates/app/linked.tsv, which the window
shows, is what Cargo and npm say. `--write` writes it. `--copyright FILE` writes the
copyright file of a package, with the licences' texts as the packages bring them.
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "src-tauri" / "crates" / "app" / "linked.tsv"
PROGRAMS = ["pmpo-studio", "pmpo-cli"]
# The list is of the packages for Linux, whatever machine makes it.
PLATFORM = "x86_64-unknown-linux-gnu"
TEXTS = re.compile(r"^(.*[-._])?(licen[cs]e|copying|copyright|notice|unlicense|ofl|ufl)s?([-._].*)?$", re.I)
# Packages that bring a licence's text and do not name it.
UNNAMED = {"svelte-toolbelt": "MIT"}
# The built-in model, which packages carry as a file.
MODEL = ("SmolLM2-135M-Instruct (model)", "Q4_1", "Apache-2.0", None)


def cargo():
    """Packages of Rust that are linked into the programs."""
    answer = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    metadata = json.loads(answer.stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo = [id for id in metadata["workspace_members"] if packages[id]["name"] in PROGRAMS]
    seen = set()
    while todo:
        id = todo.pop()
        if id in seen or any("proc-macro" in target["kind"] for target in packages[id]["targets"]):
            continue
        seen.add(id)
        for needed in nodes[id]["deps"]:
            # Not what only builds or tests.
            if any(kind["kind"] is None for kind in needed["dep_kinds"]):
                todo.append(needed["pkg"])
    for id in seen:
        package = packages[id]
        if package["source"] is not None:
            folder = Path(package["manifest_path"]).parent
            yield package["name"], package["version"], package["license"], folder


def npm():
    """Packages of the page."""
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8"))
    for place, package in lock["packages"].items():
        if place and not package.get("dev"):
            name = place.split("node_modules/")[-1]
            folder = ROOT / "ui" / place
            licence = package.get("license") or UNNAMED[name]
            yield name, package["version"], licence, folder


def linked():
    everything = [*cargo(), *npm(), MODEL]
    return sorted(everything, key=lambda one: (one[0].lower(), one[1]))


def table(packages):
    lines = {f"{name}\t{version}\t{licence}" for name, version, licence, _ in packages}
    return "".join(f"{line}\n" for line in sorted(lines, key=str.lower))


def named(file):
    """Whether a file's name says that it is a licence."""
    inside = file.parent.name in {"LICENSES", "licenses"}
    version = re.match(r"^\.\d", file.suffix)
    return inside or bool(TEXTS.match(file.name if version else file.stem))


def origin(folder):
    """Who made a package and where its sources are, as it says itself."""
    file = folder / "Cargo.toml" if folder else None
    if file is None or not file.is_file():
        return ""
    text = file.read_text(encoding="utf-8", errors="replace")
    makers = re.search(r"^authors\s*=\s*\[(.*?)\]", text, re.M | re.S)
    names = ", ".join(re.findall(r'"([^"]+)"', makers[1])) if makers else ""
    where = re.search(r'^repository\s*=\s*"([^"]+)"', text, re.M)
    told = [f"by {names}"] if names else []
    told += [f"sources at {where[1]}"] if where else []
    return "".join(f"; {one}" for one in told)


def texts(folder):
    """The texts of a package's licences, each once, also of parts in folders of their own."""
    if folder is None or not folder.is_dir():
        return []
    found = [*folder.glob("*"), *folder.glob("*/*"), *folder.glob("LICENSES/*")]
    kinds = {"", ".md", ".txt", ".rst"}
    files = sorted({file for file in found if file.is_file() and named(file) and file.suffix.lower() in kinds})
    found = [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]
    # Where a package offers the GPL beside others, it is used by one of the others: deny.toml
    # allows nothing else.
    return [text for text in found if "GNU GENERAL PUBLIC LICENSE" not in text[:400]]


def copyright_file(packages):
    """The program's own licence, one line for each package, and each text once."""
    out = ["PMPO Studio. Copyright: its developers. Licence: MIT or Apache-2.0, at your option."]
    out += [(ROOT / name).read_text(encoding="utf-8").strip() for name in ["LICENSE-MIT", "LICENSE-APACHE"]]
    out.append("The programs are linked with the packages below. A text that several share stands once.")
    numbers = {}
    kept = []
    lines = []
    for name, version, licence, folder in packages:
        own = []
        for text in texts(folder):
            key = hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()
            if key not in numbers:
                numbers[key] = len(numbers) + 1
                kept.append(text)
            own.append(str(numbers[key]))
        lines.append((name, version, licence, own, origin(folder)))
    # A package that brings no text has the usual one of its licence, as others bring it.
    usual = {licence: own[0] for _, _, licence, own, _ in reversed(lines) if len(own) == 1}
    for name, version, licence, own, whence in lines:
        parts = re.split(r"\s+(?:OR|AND)\s+|/", licence)
        same = [usual[one] for one in [licence, *parts] if one in usual][:1]
        numbered = own or same
        if not numbered:
            sys.exit(f"There is no text of the licence of {name} {version}: {licence}.")
        as_usual = "" if own else "the usual "
        out.append(f"{name} {version}: {licence}; {as_usual}text {', '.join(numbered)}{whence}")
    out += [f"Text {number}\n\n{text}" for number, text in enumerate(kept, 1)]
    return "\n\n".join(out) + "\n"


def main():
    words = sys.argv[1:]
    if words[:1] == ["--copyright"] and len(words) == 2:
        Path(words[1]).write_text(copyright_file(linked()), encoding="utf-8")
        return 0
    now = table(linked())
    if words == ["--write"]:
        LIST.write_text(now, encoding="utf-8")
        return 0
    if words:
        print(__doc__, file=sys.stderr)
        return 2
    kept = LIST.read_text(encoding="utf-8") if LIST.is_file() else ""
    if kept != now:
        print("The list of what is linked in is stale: python3 scripts/linked.py --write", file=sys.stderr)
        return 1
    print(f"The list of the {now.count(chr(10))} packages that are linked in is true.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
