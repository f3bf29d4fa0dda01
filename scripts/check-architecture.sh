#!/bin/sh
# The walls between the crates, as ARCHITECTURE.md describes them. What a crate
# uses in its own tests only (dev-dependencies) is exempt, and so is tests/.
set -eu
cd "$(dirname "$0")/.."
metadata=$(cargo metadata --locked --no-deps --format-version 1)
printf '%s' "$metadata" | python3 -c '
import json, os, re, subprocess, sys

WORKSPACE = {
    "pmpo-core": set(),
    "pmpo-mapped": set(),
    "pmpo-heap": set(),
    "pmpo-launch": set(),
    "pmpo-packed": {"pmpo-mapped"},
    "pmpo-engine": {"pmpo-core", "pmpo-heap", "pmpo-packed"},
    "pmpo-store": {"pmpo-core"},
    "pmpo-data": {"pmpo-core"},
    "pmpo-hub": set(),
    "pmpo-plot": {"pmpo-core"},
    "pmpo-remote": {"pmpo-core"},
    "pmpo-app": {"pmpo-core", "pmpo-data", "pmpo-engine", "pmpo-hub", "pmpo-plot", "pmpo-remote", "pmpo-store"},
    "pmpo-cli": {"pmpo-core", "pmpo-app", "pmpo-launch"},
    "pmpo-studio": {"pmpo-app", "pmpo-launch"},
}
OWNERS = {
    "mistralrs": {"pmpo-engine"},
    "candle-core": {"pmpo-engine", "pmpo-packed"},
    "libc": {"pmpo-heap"},
    "memmap2": {"pmpo-mapped"},
    "rusqlite": {"pmpo-store"},
    "rusqlite_migration": {"pmpo-store"},
    "plotters": {"pmpo-plot"},
    "tracing-subscriber": {"pmpo-app"},
    "calamine": {"pmpo-data"},
    "parquet": {"pmpo-data"},
    "notify": {"pmpo-data"},
    "hf-hub": {"pmpo-hub"},
    "reqwest": {"pmpo-hub", "pmpo-remote"},
    "keyring": {"pmpo-remote"},
    "clap": {"pmpo-cli"},
}
NO_INPUT_OR_OUTPUT = {"tokio", "rusqlite", "mistralrs", "candle-core", "plotters", "reqwest"}
GENERATED = {"gen", "generated"}
LONGEST = 700

metadata = json.load(sys.stdin)
root = metadata["workspace_root"]
members = {package["name"] for package in metadata["packages"]}
faults = []

for package in metadata["packages"]:
    name = package["name"]
    folder = os.path.relpath(os.path.dirname(package["manifest_path"]), root)
    if folder.split("/")[0] == "tests":
        continue
    shell = folder == "src-tauri"
    if name not in WORKSPACE:
        faults.append(f"{name} has no place yet: say in scripts/check-architecture.sh what it may depend on")
    for dependency in package["dependencies"]:
        if dependency["kind"] == "dev":
            continue
        other = dependency["name"]
        if other in members and name in WORKSPACE and other not in WORKSPACE[name]:
            faults.append(f"{name} must not depend on {other}")
        if name == "pmpo-core" and other in NO_INPUT_OR_OUTPUT:
            faults.append(f"pmpo-core does no input or output, so it must not name {other}")
        elif name not in OWNERS.get(other, {name}):
            owners = " and ".join(sorted(OWNERS[other]))
            faults.append(f"only {owners} may name {other}, but {name} does")
        if (other == "tauri" or other.startswith("tauri-")) and not shell:
            faults.append(f"only the package in src-tauri may name {other}, but {name} does")

        # A plugin that is not registered takes every command that uses it with it.
        if shell and other.startswith("tauri-plugin-"):
            with open(os.path.join(root, folder, "src", "main.rs"), encoding="utf-8") as file:
                if other.replace("-", "_") + "::" not in file.read():
                    faults.append(f"{other} is not registered in {folder}/src/main.rs")

# Files that are new and not yet added count too, or the fault would show only after the commit.
listed = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rs", "*.ts", "*.svelte"],
    check=True, stdout=subprocess.PIPE,
).stdout.decode().split("\0")
for path in sorted(set(filter(None, listed))):
    if GENERATED & set(path.split("/")[:-1]) or not os.path.isfile(path):
        continue
    with open(path, "rb") as file:
        lines = sum(1 for _ in file)
    if path.startswith("ui/src/") and not path.startswith("ui/src/backend/"):
        with open(path, encoding="utf-8") as file:
            if "@tauri-apps" in file.read():
                faults.append(f"only ui/src/backend may name @tauri-apps, but {path} does")
    if lines > LONGEST:
        faults.append(f"{path} has {lines} lines; more than {LONGEST} cannot be read in one sitting")

# What the window and the terminal may name of the crates behind `app`.
HANDED_ON = {"has_gpu", "prepare_process", "ProjectId", "RunId"}
with open(os.path.join(root, "src-tauri/crates/app/src/lib.rs"), encoding="utf-8") as file:
    for names in re.findall(r"pub use pmpo_(?:engine|store)([^;]*);", file.read()):
        for name in set(re.findall(r"\w+", names)) - HANDED_ON:
            faults.append(f"pmpo-app must not hand on {name}: window and terminal ask its services")

for fault in dict.fromkeys(faults):
    print(fault, file=sys.stderr)
if faults:
    sys.exit(1)
print("The walls between the crates hold.")
'
# Circles among the files of a crate.
python3 scripts/circles.py
