#!/bin/sh
# Brings the scorers that the benchmark compares with, into an environment of their
# own, and prints the path of its python. Quick and silent when all is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wanted=$here/peers/requirements.txt
peers=${XDG_CACHE_HOME:-$HOME/.cache}/pmpo-studio/peers
python=$peers/bin/python
# Written last: an environment without it is not whole.
stamp=$peers/requirements.txt

# Only the result goes to standard output.
exec 3>&1 1>&2

finish() {
    echo "$python" >&3
    exit 0
}

if cmp -s "$wanted" "$stamp" && "$python" -c '' 2>/dev/null; then
    finish
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or newer is needed. Install it, then start again."
    exit 1
fi
for tool in cc c++ cmake; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "$tool is missing. Run setup.sh, then start again."
        exit 1
    fi
done

pip() {
    "$python" -m pip --quiet --disable-pip-version-check "$@"
}

pinned() {
    sed -n "s/^\($1==[^ ;]*\).*/\1/p" "$wanted"
}

starts() {
    "$python" -c 'import torch' >/dev/null 2>&1
}

# On Linux the one torch in the package index is made for CUDA: it does not load
# without NVIDIA's libraries, several gigabytes, though nothing here calls them.
# Empty stand-ins with the same names let it load. A call of one would end the
# program. The driver's own library is not among them: its absence is how torch
# learns that there is no card.
stand_in() {
    folder=$("$python" -c 'import importlib.util as i; print(i.find_spec("torch").submodule_search_locations[0])')/lib
    absent=$(ldd "$folder"/*.so | awk '$2 == "=>" && $3 == "not" && $1 !~ /^libcuda\./ { print $1 }' | sort -u)
    [ -n "$absent" ] || return 1
    # What they would give, as name@version, less what comes from the runtime
    # library, which is there.
    nm -D --undefined-only "$folder"/*.so |
        awk '$1 == "U" && $2 ~ /^(cu|nv|nccl)/ && $2 !~ /^cuda/ { print $2 }' | sort -u >"$work/names"
    awk -F@ '{ print "void " $1 "(void) { __builtin_trap(); }" }' "$work/names" >"$work/none.c"
    awk -F@ 'NF > 1 { names[$NF] = names[$NF] " " $1 ";" }
        END { for (version in names) print version " {" names[version] " };" }' "$work/names" >"$work/versions"
    cc -shared -fPIC -Wl,--version-script="$work/versions" -o "$folder/libnone.so" "$work/none.c"
    for name in $absent; do
        ln -s libnone.so "$folder/$name"
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

echo "Fetching the scorers to compare with (about 700 MB)."
rm -rf "$peers"
mkdir -p "$(dirname "$peers")"
python3 -m venv "$peers"
sed '/^llama-cpp-python==/d' "$wanted" >"$work/ready-made"
# The list is complete; with dependencies CUDA would come along.
pip install --no-deps --only-binary :all: --requirement "$work/ready-made"
if ! starts && ! { stand_in && starts; }; then
    echo "torch does not start alone; fetching its CUDA libraries too (several GB)."
    find "$peers" -lname libnone.so -delete
    pip install "$(pinned torch)"
fi

echo "Compiling llama.cpp for this machine. This takes several minutes."
CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAVA_BUILD=OFF"
export CMAKE_ARGS
# No cache: a copy compiled earlier, perhaps on another machine, is not this machine's.
pip install --no-cache-dir --no-deps --no-build-isolation --no-binary llama-cpp-python "$(pinned llama-cpp-python)"

"$python" -c 'import gguf, llama_cpp, torch, transformers'
cp "$wanted" "$stamp"
finish
