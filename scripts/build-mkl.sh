#!/bin/sh
# Builds both programs with Intel's matrix products, linked in as a whole. Where no
# MKL is named by MKLROOT it comes from the Python package index into a folder of its
# own; without that, the build would bring an old one from a place of its own choice.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case "$(uname -sm)" in
"Linux x86_64") ;;
*)
    echo "Intel's matrix products are for Linux on x86-64. On a Mac: make accelerate." >&2
    exit 1
    ;;
esac
if [ -z "${MKLROOT:-}" ]; then
    wanted=$here/mkl/requirements.txt
    MKLROOT=${XDG_CACHE_HOME:-$HOME/.cache}/pmpo-studio/mkl
    # Written last: a folder without it is not whole.
    if ! cmp -s "$wanted" "$MKLROOT/requirements.txt"; then
        echo "Fetching Intel's matrix products (about 300 MB)."
        sh "$here/fetch-packages.sh" "$wanted" "$MKLROOT"
        # Where both are there the shared one is taken, which would have to be found
        # again whenever a program starts.
        find "$MKLROOT" -name 'libiomp5.so' -delete
        cp "$wanted" "$MKLROOT/requirements.txt"
    fi
fi
export MKLROOT
# A folder of its own: with other features every dependency is another.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/mkl
export CARGO_TARGET_DIR
cargo build --release --locked --package pmpo-cli --package pmpo-studio \
    --features pmpo-cli/mkl,pmpo-studio/mkl
echo "Built: $CARGO_TARGET_DIR/release/pmpo and $CARGO_TARGET_DIR/release/pmpo-studio"
