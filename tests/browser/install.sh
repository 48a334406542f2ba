#!/bin/sh
# Brings what the browser tests need, as far as this machine lets us; they are skipped, and say why, without it.
set -u
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null; }

if ! has chromium && ! has chromium-browser && ! has google-chrome; then
    if [ "$(id -u)" = 0 ] && has apt-get; then
        say 'Installing Chromium for the browser tests …'
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq && apt-get install -qq --no-install-recommends chromium >/dev/null
    fi
    has chromium || say 'No browser tests: there is no Chromium; install it, or Chrome.'
fi

# npm writes its own copy of the lock when it has installed all of it.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    if has npm; then
        say 'Installing the Firebase SDK for the browser tests …'
        npm ci --ignore-scripts --fetch-retries=1 --no-audit --no-fund --loglevel=error
    fi
    [ -f node_modules/.package-lock.json ] || say 'No browser tests: the Firebase SDK is not there; npm installs it.'
fi
exit 0
