#!/bin/sh
# Puts the Python packages of a list into a folder of their own, ready-made and
# without what they depend on: fetch-packages.sh LIST FOLDER
set -eu
rm -rf "$2"
mkdir -p "$(dirname "$2")"
python3 -m venv "$2"
"$2/bin/python" -m pip --quiet --disable-pip-version-check install \
    --no-deps --only-binary :all: --requirement "$1"
