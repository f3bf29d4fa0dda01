#!/bin/sh
# The walls between the crates, as ARCHITECTURE.md describes them.
set -eu
cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
ours = {
    "pmpo-core": set(),
    "pmpo-engine": {"pmpo-core"},
    "pmpo-store": {"pmpo-core"},
    "pmpo-app": {"pmpo-core", "pmpo-engine", "pmpo-store"},
    "pmpo-cli": {"pmpo-core", "pmpo-app"},
}
owners = {
    "mistralrs": {"pmpo-engine"},
    "candle-core": {"pmpo-engine"},
    "rusqlite": {"pmpo-store"},
    "rusqlite_migration": {"pmpo-store"},
    "plotters": {"pmpo-app"},
    "clap": {"pmpo-cli"},
}
faults = []
for package in json.load(sys.stdin)["packages"]:
    name = package["name"]
    if name not in ours:
        continue
    for dependency in package["dependencies"]:
        if dependency["kind"] == "dev":
            continue
        other = dependency["name"]
        if other.startswith("pmpo-") and other not in ours[name]:
            faults.append(f"{name} must not depend on {other}")
        if other in owners and name not in owners[other]:
            faults.append(f"{name} must not name {other}")
        if name == "pmpo-core" and other in {"tokio", "rusqlite"}:
            faults.append(f"pmpo-core does no input or output, so it must not name {other}")
print("\n".join(faults) or "The walls between the crates hold.")
sys.exit(bool(faults))
'
long=$(git ls-files '*.rs' '*.ts' '*.svelte' | xargs -r wc -l | awk '$2 != "total" && $1 > 700 { print $2 ": " $1 " lines" }')
if [ -n "$long" ]; then
    echo "Too long to be read in one sitting:" >&2
    echo "$long" >&2
    exit 1
fi
