#!/usr/bin/env python3
"""The notes of a release out of CHANGELOG.md; fails where version and changelog differ.

release-notes.py VERSION
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    wanted = sys.argv[1]
    cargo = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "([^"]+)"', cargo, re.M)[1]
    if version != wanted:
        print(f"The tag says {wanted} and Cargo.toml {version}.", file=sys.stderr)
        return 1
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(
        rf"^## \[{re.escape(wanted)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", changes, re.M | re.S
    )
    if not found or not found[1].strip():
        print(f"CHANGELOG.md has no dated part [{wanted}].", file=sys.stderr)
        return 1
    print(found[1].strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
