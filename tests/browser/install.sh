#!/bin/sh
# Installs what tests take from npm, as far as this machine lets us; they are skipped, and say why, without it: the
# Firebase SDK and axe, the console's libraries, with which the copies in web/vendor are compared, and the Auth emulator.
set -u
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

for folder in . ../../web ../firebase; do
    # npm writes its own copy of the lock when it has installed all of it.
    if ! [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]; then
        if command -v npm >/dev/null; then
            say "Installing packages of $folder/package.json …"
            (cd $folder && npm ci --ignore-scripts --fetch-retries=1 --no-audit --no-fund --loglevel=error)
        fi
        [ -f $folder/node_modules/.package-lock.json ] || say "Fewer tests: npm has not installed $folder/package.json."
    fi
done
exit 0
