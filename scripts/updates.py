#!/usr/bin/env python3
"""Signs a release's packages and writes the list of versions that programs ask for.

updates.py VERSION NOTES ADDRESS FOLDER

FOLDER holds the packages, which will be found below ADDRESS; NOTES is a text file. Each
package gets a signature beside it (TAURI_SIGNING_PRIVATE_KEY), bound to the version; the
list is FOLDER/latest.json. Tauri's command line is there already (`npm ci` in
src-tauri/packaging), so that no script of a package meets the key.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent.parent / "src-tauri" / "packaging"
# How a package's name ends, and what the program that came in it asks for.
KINDS = [
    (r"_amd64\.deb", "linux-x86_64-deb"),
    (r"\.x86_64\.rpm", "linux-x86_64-rpm"),
    (r"_amd64\.AppImage", "linux-x86_64-appimage"),
    (r"-x86_64\.tar\.gz", "linux-x86_64-archive"),
    (r"-aarch64-apple-darwin\.app\.tar\.gz", "darwin-aarch64-app"),
    (r"_x64-setup\.exe", "windows-x86_64-nsis"),
]


def platform(name):
    for ending, found in KINDS:
        if re.search(ending + "$", name):
            return found
    return None


def sign(file, version):
    words = ["npx", "tauri", "signer", "sign", "--app-version", version, str(file.resolve())]
    subprocess.run(words, cwd=PACKAGING, check=True, stdout=subprocess.DEVNULL)
    return file.with_name(file.name + ".sig").read_text(encoding="utf-8").strip()


def main():
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    version, notes, address, folder = sys.argv[1:]
    if not os.environ.get("TAURI_SIGNING_PRIVATE_KEY"):
        if os.environ.get("PMPO_UPDATES"):
            print("Programs look for updates, and there is no key to sign with.", file=sys.stderr)
            return 1
        print("There is no key to sign with, so no program will find this version by itself.")
        return 0
    os.environ.setdefault("TAURI_SIGNING_PRIVATE_KEY_PASSWORD", "")
    platforms = {}
    for file in sorted(Path(folder).iterdir()):
        name = platform(file.name)
        if name in platforms:
            print(f"{file.name} is the second package for {name}.", file=sys.stderr)
            return 1
        if name:
            url = f"{address.rstrip('/')}/{file.name}"
            platforms[name] = {"url": url, "signature": sign(file, version)}
    if not platforms:
        print(f"There is no package in {folder}.", file=sys.stderr)
        return 1
    listed = {
        "version": version,
        "notes": Path(notes).read_text(encoding="utf-8").strip(),
        "pub_date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "platforms": platforms,
    }
    text = json.dumps(listed, indent=1, ensure_ascii=False) + "\n"
    (Path(folder) / "latest.json").write_text(text, encoding="utf-8")
    print(f"Signed: {', '.join(platforms)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
