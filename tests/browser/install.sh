#!/bin/sh
# Installs the Firebase SDK for the browser tests, as far as this machine lets us; they are skipped, and say why, without it.
set -u
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

# npm writes its own copy of the lock when it has installed all of it.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    if command -v npm >/dev/null; then
        say 'Installing the Firebase SDK for the browser tests …'
        npm ci --ignore-scripts --fetch-retries=1 --no-audit --no-fund --loglevel=error
    fi
    [ -f node_modules/.package-lock.json ] || say 'No browser tests: the Firebase SDK is not there; npm installs it.'
fi
exit 0
