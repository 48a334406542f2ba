#!/bin/sh
# Brings the generators of the clients in docs/clients.md; tests that lack one are skipped and say why.
set -u
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }

folder=.venv/client-generator
if ! [ "$folder/.installed" -nt tests/clients/requirements.txt ]; then
    if command -v uv >/dev/null; then uv=uv; else uv=.venv/uv/bin/uv; fi
    say 'Installing the generator of Python clients …'
    [ -x "$folder/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$folder"
    if timeout 300 "$uv" pip install --quiet --python "$folder/bin/python" -r tests/clients/requirements.txt; then
        touch "$folder/.installed"
    else
        say 'Could not install the generator of Python clients.'
    fi
fi

cd tests/clients || exit 0
# npm writes its own copy of the lock when it has installed all of it.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    if command -v npm >/dev/null; then
        say 'Installing the generator of TypeScript clients …'
        npm ci --ignore-scripts --fetch-retries=1 --no-audit --no-fund --loglevel=error
    fi
    [ -f node_modules/.package-lock.json ] || say 'Fewer tests: npm has not installed tests/clients/package.json.'
fi
exit 0
