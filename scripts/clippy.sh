#!/bin/sh
# Clippy over our own crates. As the compiler of the workspace's crates it
# works on the dependencies that are compiled anyway; `cargo clippy` would
# check all of them a second time.
set -eu
CLIPPY_ARGS="-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__" \
RUSTC_WORKSPACE_WRAPPER=clippy-driver \
    cargo build --release --locked --workspace --all-targets
