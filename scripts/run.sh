#!/bin/sh
# The main job. The window is not part of this version, so it runs in the terminal.
set -eu
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    echo "There is no display here, so the sample run goes on in this terminal."
else
    echo "This version has no window yet; the sample run goes on in this terminal."
fi
cargo build --release --locked --quiet --workspace
target=${CARGO_TARGET_DIR:-target}
# 3 means that no better prompt was found, which is a result too.
"$target/release/pmpo" sample || [ $? -eq 3 ]
