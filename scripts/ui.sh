#!/bin/sh
# Builds the page of the window into ui/dist, where the program takes it from.
set -eu
cd "$(dirname "$0")/../ui"
stamp=node_modules/.lock-of-install
if ! cmp -s package-lock.json "$stamp"; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json "$stamp"
fi
# Nothing newer than the last build: nothing to do.
if [ -f dist/index.html ] && [ -z "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -newer dist/index.html -print | head -n 1)" ]; then
    exit 0
fi
npm run --silent build
