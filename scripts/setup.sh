#!/bin/sh
# Brings what a fresh machine lacks: system packages, Rust, the built-in model.
set -eu
here=$(dirname "$0")
packages="build-essential pkg-config cmake libssl-dev python3 python3-pip ca-certificates"

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    missing=""
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        echo "Installing:$missing"
        sudo=""
        [ "$(id -u)" -eq 0 ] || sudo="sudo"
        $sudo apt-get update -qq
        # The list is several words on purpose.
        # shellcheck disable=SC2086
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    fi
else
    for tool in cc cmake pkg-config python3; do
        if ! command -v "$tool" >/dev/null 2>&1; then
            echo "$tool is missing. Install a C and C++ compiler, CMake, pkg-config, the OpenSSL headers and Python 3 with pip, then start again." >&2
            exit 1
        fi
    done
fi

new_enough() {
    command -v cargo >/dev/null 2>&1 || return 1
    version=$(rustc --version | cut -d' ' -f2)
    major=${version%%.*}
    rest=${version#*.}
    minor=${rest%%.*}
    [ "$major" -gt 1 ] || [ "$minor" -ge 90 ]
}
if ! new_enough; then
    if command -v apt-get >/dev/null 2>&1 && apt-cache show rustup >/dev/null 2>&1; then
        sudo=""
        [ "$(id -u)" -eq 0 ] || sudo="sudo"
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq rustup >/dev/null
        rustup default stable
    fi
    if ! new_enough; then
        echo "Rust 1.90 or newer is needed. Install it with rustup, then start again." >&2
        exit 1
    fi
fi

sh "$here/fetch-model.sh"
