#!/usr/bin/env python3
"""Checks what comes in from outside against deny.toml.

The same as `cargo deny check licenses bans sources`, for machines without
cargo-deny: it takes many minutes to compile, and this needs Python alone.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    tomllib = None

ROOT = Path(__file__).resolve().parent.parent


def read_rules(text):
    """The allowed licences, the exceptions by crate, and the banned crates."""
    if tomllib is None:
        return read_rules_plainly(text)
    rules = tomllib.loads(text)
    exceptions = {}
    for entry in rules["licenses"].get("exceptions", []):
        exceptions.setdefault(entry["crate"], set()).update(entry["allow"])
    banned = {
        entry if isinstance(entry, str) else entry.get("crate") or entry["name"]
        for entry in rules.get("bans", {}).get("deny", [])
    }
    return set(rules["licenses"]["allow"]), exceptions, banned


def read_rules_plainly(text):
    """As much of TOML as deny.toml uses: arrays of strings and of flat tables."""
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)

    def array(section, key):
        body = re.search(rf"^\[{section}\]$(.*?)(?=^\[\w+\]$|\Z)", text, re.M | re.S)
        start = body and re.search(rf"^{key}\s*=\s*\[", body[1], re.M)
        if not start:
            return ""
        depth = 1
        for at in range(start.end(), len(body[1])):
            depth += {"[": 1, "]": -1}.get(body[1][at], 0)
            if depth == 0:
                return body[1][start.end() : at]
        sys.exit(f"deny.toml: the array {key} has no end")

    def strings(source):
        return re.findall(r'"([^"]*)"', source)

    exceptions = {}
    entry = r'\{\s*crate\s*=\s*"([^"]+)"\s*,\s*allow\s*=\s*\[([^\]]*)\]'
    for crate, allow in re.findall(entry, array("licenses", "exceptions")):
        exceptions.setdefault(crate, set()).update(strings(allow))
    deny = array("bans", "deny")
    banned = set(re.findall(r'(?:crate|name)\s*=\s*"([^"]+)"', deny))
    banned.update(strings(re.sub(r"\{[^}]*\}", "", deny)))
    return set(strings(array("licenses", "allow"))), exceptions, banned


def satisfied(expression, allowed):
    """Whether the allowed licences satisfy an SPDX expression.

    AND binds closer than OR; the old `/` of Cargo means OR.
    """
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    at = 0

    def take():
        nonlocal at
        if at == len(words):
            raise ValueError("it ends too early")
        at += 1
        return words[at - 1]

    def is_next(word):
        return at < len(words) and words[at] == word

    def one():
        word = take()
        if word == "(":
            inside = either()
            if take() != ")":
                raise ValueError("a bracket is not closed")
            return inside
        if word in {")", "AND", "OR", "WITH"}:
            raise ValueError(f"{word} is out of place")
        if is_next("WITH"):
            word = f"{word} {take()} {take()}"
        return word in allowed

    def both():
        # Both sides are always read, or the rest would be misread.
        result = one()
        while is_next("AND"):
            take()
            result = one() and result
        return result

    def either():
        result = both()
        while is_next("OR"):
            take()
            result = both() or result
        return result

    result = either()
    if at != len(words):
        raise ValueError(f"{words[at]} is out of place")
    return result


def licence_fault(package, allowed):
    expression = package["license"]
    if not expression:
        return "names no licence"
    try:
        if satisfied(expression, allowed):
            return None
    except ValueError as why:
        return f"has a licence that cannot be read, {expression}: {why}"
    return f"has a licence that deny.toml does not allow: {expression}"


def check(metadata, allow, exceptions, banned):
    faults = []
    registries = set()
    ours = set(metadata["workspace_members"])
    for package in metadata["packages"]:
        label = f"{package['name']} {package['version']}"
        source = package["source"]
        if source is not None:
            # Cargo writes crates.io like this in every lock file, whatever mirror it reads.
            if source.startswith("registry+") and source.endswith("/crates.io-index"):
                registries.add(source)
            else:
                faults.append(f"{label} comes from {source}, which is not crates.io")
        if package["name"] in banned:
            faults.append(f"{label} is banned in deny.toml")
        fault = licence_fault(package, allow | exceptions.get(package["name"], set()))
        if fault:
            faults.append(f"{label} {fault}")
        if package["id"] in ours:
            faults.extend(
                f"{label} takes any version of {dependency['name']}; name one"
                for dependency in package["dependencies"]
                if dependency["req"] == "*" and not dependency.get("path")
            )
    if len(registries) > 1:
        faults.append(f"more than one registry: {', '.join(sorted(registries))}")
    return faults


def main():
    allow, exceptions, banned = read_rules((ROOT / "deny.toml").read_text(encoding="utf-8"))
    answer = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if answer.returncode != 0:
        # Cargo has said why.
        return 1
    metadata = json.loads(answer.stdout)
    faults = check(metadata, allow, exceptions, banned)
    for fault in sorted(set(faults)):
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(f"The licences and sources of {len(metadata['packages'])} packages are in order.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
