#!/bin/sh
# Builds both programs with CUDA, on any computer: no card is needed, nor an
# installed toolkit. They are put beside the plain ones, which hand over to them
# where they can work. CUDA_COMPUTE_CAP names the cards they are for (90: Hopper,
# 89: Ada, 86: Ampere); without it the card of this computer is asked.
# FEATURES=flash-attn adds quicker attention.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
toolkit=$(sh "$here/setup-cuda.sh" | tail -n 1)

if [ -z "${CUDA_COMPUTE_CAP:-}" ]; then
    found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
    if [ -z "$found" ]; then
        echo "There is no NVIDIA card here to ask for its kind. Say which one it is for," >&2
        echo "for example: make cuda CUDA_COMPUTE_CAP=89" >&2
        exit 1
    fi
    CUDA_COMPUTE_CAP=$found
fi
export CUDA_COMPUTE_CAP
export CUDA_ROOT="$toolkit" CUDA_HOME="$toolkit" CUDA_PATH="$toolkit" CUDA_TOOLKIT_ROOT_DIR="$toolkit"
export PATH="$toolkit/bin:$PATH"
export LIBRARY_PATH="$toolkit/lib${LIBRARY_PATH:+:$LIBRARY_PATH}"
export LD_LIBRARY_PATH="$toolkit/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# The driver's functions are found when the program starts on a computer that
# has the driver; its library has to be named for that, though the one to link with
# is empty.
# NVIDIA's libraries are looked for in the folder `cuda` beside the programs.
export RUSTFLAGS="-L native=$toolkit/lib -C link-arg=-Wl,-rpath,\$ORIGIN/cuda -C link-arg=-Wl,--unresolved-symbols=ignore-all -C link-arg=-Wl,-z,lazy -C link-arg=-Wl,--push-state,--no-as-needed,-lcuda,--pop-state ${RUSTFLAGS:-}"

# A folder of its own: other flags would have every dependency compiled anew.
plain=${CARGO_TARGET_DIR:-target}/release
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/cuda
export CARGO_TARGET_DIR
features=
for feature in cuda ${FEATURES:-}; do
    features="$features,pmpo-cli/$feature,pmpo-studio/$feature"
done
# The machine is named so that the flags above are the programs' alone: what is run
# while building would otherwise ask for the driver too.
machine=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --locked --target "$machine" \
    --package pmpo-cli --package pmpo-studio --features "${features#,}"

mkdir -p "$plain/cuda"
for name in pmpo pmpo-studio; do
    cp -f "$CARGO_TARGET_DIR/$machine/release/$name" "$plain/$name-cuda"
done
for name in cudart cublas cublasLt curand; do
    # Links where the disk allows it: half a gigabyte.
    set -- "$toolkit/lib/lib$name.so."*
    cp -fL --link "$1" "$plain/cuda/" 2>/dev/null || cp -fL "$1" "$plain/cuda/"
done
echo "Built for compute capability $CUDA_COMPUTE_CAP: $plain/pmpo-cuda and $plain/pmpo-studio-cuda"
