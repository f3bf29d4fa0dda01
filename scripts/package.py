#!/usr/bin/env python3
"""`make package`: packages of programs that are built already, in TARGET/package/out;
TARGET is Cargo's folder.

On Linux a .deb and an .rpm, made by the bundler of Tauri's own command line, and an archive
that runs from any folder, with checksums. `--appimage` adds an AppImage, whose parts that
bundler fetches from GitHub. `--bundles KIND --triple TRIPLE` makes what Macs (dmg) and
Windows (nsis) install; these ways were written for the release's workflow and have not
been tried yet.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import time
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "src-tauri" / "packaging"
NAME = "pmpo-studio"
PROGRAMS = ["pmpo-studio", "pmpo"]
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
DESCRIPTION = (
    "Finds which parts of a prompt help and which hurt, on a language model that\n"
    "runs on this computer, and rewrites it so that right answers become likelier."
)
MAINTAINER = "The developers of PMPO Studio <developers@pmpo.studio>"
SIZES = [16, 24, 32, 48, 64, 128, 256, 512]
PICTURES = {
    "run.png": "A run: the loss falls, and the best prompt so far",
    "result.png": "A result: right answers with both prompts, and what changed",
    "runs.png": "Several runs in one chart",
}


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def said(*command):
    return run(*command, stdout=subprocess.PIPE, text=True).stdout


def version():
    """The one place is Cargo.toml."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "([^"]+)"', text, re.M)[1]


def releases():
    """Version, date and points of each release in the changelog, the newest first. What is
    not released yet counts as the version that is built, today."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        found = re.match(r"\[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?", head)
        number, date = found[1], found[2]
        if number == "Unreleased":
            # After a release it is what comes next, and no part of what is built.
            if f"[{version()}]" in text:
                continue
            number, date = version(), time.strftime("%Y-%m-%d", time.gmtime(moment()))
        points = re.findall(r"^- (.*(?:\n  .*)*)", body, re.M)
        if points:
            yield number, date, [" ".join(point.split()) for point in points]


def moment():
    """The time of the commit, so that the same sources make the same files."""
    known = os.environ.get("SOURCE_DATE_EPOCH")
    return int(known or said("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def metainfo(to, home):
    """The description for software centres, with release notes; with the project's page and
    pictures where the build knows an address (PMPO_HOME_PAGE)."""
    ElementTree.register_namespace("xml", "http://www.w3.org/XML/1998/namespace")
    tree = ElementTree.parse(PACKAGING / "metainfo.xml")
    top = tree.getroot()
    if home:
        ElementTree.SubElement(top, "url", type="homepage").text = home
        shots = ElementTree.SubElement(top, "screenshots")
        for number, (file, caption) in enumerate(PICTURES.items()):
            kind = {"type": "default"} if number == 0 else {}
            shot = ElementTree.SubElement(shots, "screenshot", kind)
            ElementTree.SubElement(shot, "caption").text = caption
            ElementTree.SubElement(shot, "image").text = f"{home}/raw/v{version()}/docs/{file}"
    notes = ElementTree.SubElement(top, "releases")
    for number, date, points in releases():
        release = ElementTree.SubElement(notes, "release", version=number, date=date)
        listed = ElementTree.SubElement(ElementTree.SubElement(release, "description"), "ul")
        for point in points:
            ElementTree.SubElement(listed, "li").text = point.replace("`", "").replace("*", "")
    ElementTree.indent(tree)
    tree.write(to, encoding="utf-8", xml_declaration=True)


def changelog(to):
    """Debian's form of the changelog."""
    out = []
    for number, date, points in releases():
        stamp = time.strftime("%a, %d %b %Y 00:00:00 +0000", time.strptime(date, "%Y-%m-%d"))
        lines = "\n".join(
            textwrap.fill(point, 78, initial_indent="  * ", subsequent_indent="    ") for point in points
        )
        out.append(f"{NAME} ({number}) stable; urgency=medium\n\n{lines}\n\n -- {MAINTAINER}  {stamp}\n")
    to.write_bytes(zipped("\n".join(out).encode()))


def zipped(data):
    return gzip.compress(data, 9, mtime=0)


def stage(target, stage_dir, home):
    """Everything that packages hold, in the places that it has there."""
    release = stage_dir / "release"
    usr = stage_dir / "usr"
    for folder in [stage_dir / "out", release, usr, stage_dir / "icons"]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for program in PROGRAMS:
        # Names of functions stay in the build's own copy, for who looks for a fault.
        run("strip", "--strip-unneeded", "-o", release / program, target / "release" / program)
    files = {}

    def place(path, data):
        to = usr / path
        to.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, Path):
            shutil.copyfile(data, to)
        else:
            to.write_bytes(data)
        to.chmod(0o644)
        files[f"/usr/{path}"] = to

    pmpo = target / "release" / "pmpo"
    pages = stage_dir / "man"
    shutil.rmtree(pages, ignore_errors=True)
    run(pmpo, "man", pages)
    for page in sorted(pages.iterdir()):
        place(f"share/man/man1/{page.name}.gz", zipped(page.read_bytes()))
    window = (PACKAGING / "pmpo-studio.1").read_text(encoding="utf-8").replace("@VERSION@", version())
    place("share/man/man1/pmpo-studio.1.gz", zipped(window.encode()))
    completions = {
        "bash": "share/bash-completion/completions/pmpo",
        "zsh": "share/zsh/vendor-completions/_pmpo",
        "fish": "share/fish/vendor_completions.d/pmpo.fish",
    }
    for shell, path in completions.items():
        place(path, said(pmpo, "completions", shell).encode())
    place("share/applications/pmpo-studio.desktop", PACKAGING / "pmpo-studio.desktop")
    place("share/mime/packages/pmpo-studio.xml", PACKAGING / "pmpo-studio.mime.xml")
    described = stage_dir / "metainfo.xml"
    metainfo(described, home)
    place("share/metainfo/studio.pmpo.PmpoStudio.metainfo.xml", described)
    run(npx(), "tauri", "icon", ROOT / "icons" / "icon.svg", "-o", stage_dir / "icons",
        *[word for size in SIZES for word in ["-p", size]], cwd=PACKAGING, stdout=subprocess.DEVNULL)
    for size in SIZES:
        icon = stage_dir / "icons" / f"{size}x{size}.png"
        place(f"share/icons/hicolor/{size}x{size}/apps/pmpo-studio.png", icon)
    place("share/icons/hicolor/scalable/apps/pmpo-studio.svg", ROOT / "icons" / "icon.svg")
    licences = stage_dir / "copyright"
    run(sys.executable, ROOT / "scripts" / "linked.py", "--copyright", licences)
    place(f"share/doc/{NAME}/copyright", licences)
    changelog(stage_dir / "changelog.gz")
    place(f"share/doc/{NAME}/changelog.gz", stage_dir / "changelog.gz")
    place(f"share/lintian/overrides/{NAME}", PACKAGING / "lintian-overrides")
    model = model_file()
    place(f"lib/{NAME}/models/{MODEL}", model)
    source = updates(stage_dir / "updates.json")
    if source:
        place(f"lib/{NAME}/updates.json", source)
    for sample in sorted((ROOT / "datasets").glob("*/*")):
        place(f"share/{NAME}/samples/{sample.parent.name}/{sample.name}", sample)
    return release, usr, files


def model_file():
    """The built-in model, checked."""
    folder = os.environ.get("PMPO_DATA_DIR")
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    file = Path(folder or Path(share) / NAME) / "models" / MODEL
    script = (ROOT / "scripts" / "fetch-model.sh").read_text(encoding="utf-8")
    expected = re.search(r"^hash=([0-9a-f]{64})$", script, re.M)[1]
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        sys.exit(f"{file} is not the built-in model.")
    return file


def updates(to):
    """Where newer versions are published and who signs them, where the build says so
    (PMPO_UPDATES and PMPO_UPDATES_KEY); without it the program asks nobody."""
    address, key = os.environ.get("PMPO_UPDATES", ""), os.environ.get("PMPO_UPDATES_KEY", "")
    if not address and not key:
        return None
    if not address.startswith("https://") or not key:
        sys.exit("PMPO_UPDATES is an https address, and PMPO_UPDATES_KEY the public key to it.")
    to.write_text(json.dumps({"address": address, "key": key}) + "\n", encoding="utf-8")
    return to


def npx():
    windows = sys.platform == "win32"
    if not (PACKAGING / "node_modules").is_dir():
        run("npm.cmd" if windows else "npm", "ci", "--loglevel=error", cwd=PACKAGING)
    return "npx.cmd" if windows else "npx"


def needed_packages(programs):
    """Packages of Debian that hold the libraries that programs name, with the lowest
    versions that have what is used of them."""
    work = programs[0].parent.parent / "shlibdeps"
    (work / "debian").mkdir(parents=True, exist_ok=True)
    (work / "debian" / "control").write_text(f"Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n")
    line = said("sh", "-c", f"cd {work} && dpkg-shlibdeps -O {' '.join(map(str, programs))} 2>/dev/null")
    line = re.search(r"^shlibs:Depends=(.*)$", line, re.M)[1]
    return [name.strip() for name in line.split(",")]


def needed_by_name(programs):
    """The libraries that programs name, as .rpm packages ask for them."""
    found = set()
    for program in programs:
        found.update(re.findall(r"NEEDED\s+(\S+)", said("objdump", "-p", program)))
    linker = {name for name in found if name.startswith("ld-linux")}
    return sorted(f"{name}()(64bit)" for name in found - linker)


def overlay(release, files, home):
    """What Tauri's configuration says beside the usual one, for Linux."""
    programs = [release / program for program in PROGRAMS]
    files = {to: str(file) for to, file in files.items()}
    files["/usr/bin/pmpo"] = str(release / "pmpo")
    # The bundlers place these themselves.
    icons = [file for to, file in files.items() if "/hicolor/" in to and to.endswith(".png")]
    rest = {to: file for to, file in files.items() if file not in icons and not to.endswith(".desktop")}
    template = str(PACKAGING / "pmpo-studio.desktop")
    return {
        "productName": NAME,
        "bundle": {
            "active": True,
            "icon": icons,
            "publisher": MAINTAINER,
            "homepage": home or None,
            "license": "MIT OR Apache-2.0",
            "category": "Utility",
            "shortDescription": "makes prompts better on your own computer",
            "longDescription": DESCRIPTION,
            "linux": {
                "deb": {
                    "section": "utils",
                    "priority": "optional",
                    "depends": needed_packages(programs),
                    "files": rest,
                    "desktopTemplate": template,
                },
                "rpm": {
                    "depends": needed_by_name(programs),
                    "files": for_rpm(rest),
                    "desktopTemplate": template,
                },
                "appimage": {"files": rest},
            },
        },
    }


def for_rpm(files):
    """Zsh's functions lie elsewhere there, and Debian's linter is not asked."""
    zsh = {"/usr/share/zsh/vendor-completions/_pmpo": "/usr/share/zsh/site-functions/_pmpo"}
    return {zsh.get(to, to): file for to, file in files.items() if "/lintian/" not in to}


def bundle(stage_dir, kinds, configurations):
    """Runs Tauri's bundler; the files that it made."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(stage_dir), "CI": "true"}
    words = [word for file in configurations for word in ["--config", file]]
    run(npx(), "--prefix", PACKAGING, "tauri", "bundle", "--bundles", *kinds, *words,
        cwd=ROOT / "src-tauri", env=environment)
    endings = {"deb": "deb", "rpm": "rpm", "appimage": "AppImage", "dmg": "dmg", "app": "app", "nsis": "exe"}
    made = []
    for kind in kinds:
        folder = "macos" if kind == "app" else kind
        found = sorted((stage_dir / "release" / "bundle" / folder).glob(f"*.{endings[kind]}"))
        if len(found) != 1:
            sys.exit(f"Expected one file of the kind {kind}, found {found}.")
        made += found
    return made


def elsewhere(target, stage_dir, kind, triple):
    """What a Mac or Windows installs: the window's program with the terminal's beside it
    and the model among the resources."""
    release = stage_dir / "release"
    for folder in [stage_dir / "out", release]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    ending = ".exe" if kind == "nsis" else ""
    shutil.copy(target / "release" / f"pmpo-studio{ending}", release)
    shutil.copy(target / "release" / f"pmpo{ending}", stage_dir / f"pmpo-{triple}{ending}")
    run(npx(), "tauri", "icon", ROOT / "icons" / "icon.svg", "-o", stage_dir / "icons", cwd=PACKAGING)
    resources = {str(model_file()): f"models/{MODEL}"}
    source = updates(stage_dir / "updates.json")
    if source:
        resources[str(source)] = "updates.json"
    more = {
        "bundle": {
            "icon": [str(stage_dir / "icons" / f"icon.{one}") for one in ["icns", "ico", "png"]],
            "externalBin": [str(stage_dir / "pmpo")],
            "resources": resources,
            "shortDescription": "makes prompts better on your own computer",
            "longDescription": DESCRIPTION,
        }
    }
    config = stage_dir / "overlay.json"
    config.write_text(json.dumps(more, indent=1), encoding="utf-8")
    system = PACKAGING / ("windows.json" if kind == "nsis" else "macos.json")
    if kind == "nsis":
        return bundle(stage_dir, [kind], [system, config])
    # What a Mac installs by hand, and the program alone, which an update brings.
    disk, program = bundle(stage_dir, ["dmg", "app"], [system, config])
    packed = stage_dir / f"{NAME}-{version()}-{triple}.app.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(program, program.name)
    return [disk, packed]


def archive(stage_dir, release, usr):
    """What runs from any folder: programs with the model beside them."""
    machine = os.uname().machine
    name = f"{NAME}-{version()}-{machine}"
    to = stage_dir / "out" / f"{name}.tar.gz"
    when = moment()

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = when
        return entry

    with gzip.GzipFile(to, "wb", mtime=when) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for program in PROGRAMS:
            tar.add(release / program, f"{name}/{program}", filter=plain)
        tar.add(usr / "lib" / NAME / "models", f"{name}/models", filter=plain)
        source = usr / "lib" / NAME / "updates.json"
        if source.is_file():
            tar.add(source, f"{name}/updates.json", filter=plain)
        tar.add(usr / "share", f"{name}/share", filter=plain)
        for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]:
            tar.add(ROOT / file, f"{name}/{file}", filter=plain)
    return to


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--appimage", action="store_true")
    words.add_argument("--bundles", choices=["dmg", "nsis"])
    words.add_argument("--triple")
    asked = words.parse_args()
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
    stage_dir = target / "package"
    out = stage_dir / "out"
    if asked.bundles:
        made = elsewhere(target, stage_dir, asked.bundles, asked.triple)
    else:
        home = os.environ.get("PMPO_HOME_PAGE", "").rstrip("/")
        release, usr, files = stage(target, stage_dir, home)
        config = stage_dir / "overlay.json"
        config.write_text(json.dumps(overlay(release, files, home), indent=1), encoding="utf-8")
        kinds = ["deb", "rpm"] + (["appimage"] if asked.appimage else [])
        made = bundle(stage_dir, kinds, [config])
        archive(stage_dir, release, usr)
    for file in made:
        # An address with a space in it is written in two ways.
        shutil.copy(file, out / file.name.replace(" ", "-"))
    sums = []
    for file in sorted(out.iterdir()):
        sums.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
        print(f"{file} ({file.stat().st_size / 1e6:.0f} MB)")
    (out / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


if __name__ == "__main__":
    main()
