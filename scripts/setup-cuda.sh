#!/bin/sh
# Brings NVIDIA's compiler and libraries, without a card and without root, into a
# folder of their own, and prints its path. Quick and silent when all is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wanted=$here/cuda/requirements.txt
home=${XDG_CACHE_HOME:-$HOME/.cache}/pmpo-studio/cuda
# Written last: a folder without it is not whole.
stamp=$home/requirements.txt

# Only the result goes to standard output.
exec 3>&1 1>&2

tree() {
    find "$home" -type d -path '*/site-packages/nvidia/cu13' -print -quit
}

if cmp -s "$wanted" "$stamp"; then
    tree >&3
    exit 0
fi
for tool in cc python3; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "$tool is missing. Run setup.sh, then start again."
        exit 1
    fi
done

trap 'exit 130' INT
trap 'exit 143' HUP TERM

echo "Fetching NVIDIA's compiler and libraries (about 1 GB)."
sh "$here/fetch-packages.sh" "$wanted" "$home"
toolkit=$(tree)
cd "$toolkit"

# The packages leave out what an installed toolkit has: the folder's other name,
# and the names without a version, by which programs are linked.
[ -e lib64 ] || ln -s lib lib64
for name in cublas cublasLt cudart curand nvrtc; do
    set -- lib/lib"$name".so.*
    ln -sf "${1##*/}" "lib/lib$name.so"
done
# The driver's library comes with the driver, on the computer that has the card.
# For linking, an empty one of that name does.
cc -shared -nostdlib -o lib/libcuda.so -Wl,-soname,libcuda.so.1 -x c /dev/null
bin/nvcc --version >/dev/null
cp "$wanted" "$stamp"
echo "$toolkit" >&3
