#!/bin/sh
# Brings what the tests of terraform/ and of the pipelines need beside Terraform itself, in environments of their own
# within .venv; without them, or without Terraform, these tests are skipped and say why.
set -u
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }

if command -v uv >/dev/null; then uv=uv; else uv=.venv/uv/bin/uv; fi

# install ENVIRONMENT PURPOSE OPTIONS… – each of OPTIONS is what one call of `uv pip install` gets.
install() {
    folder=.venv/$1 what=$2
    shift 2
    mark=$folder/.installed
    for file in tests/terraform/linters.txt tests/terraform/provider/requirements.txt tests/terraform/provider/bindings.txt; do
        [ "$file" -nt "$mark" ] && rm -f "$mark"
    done
    [ -f "$mark" ] && return
    say "Installing $what …"
    [ -x "$folder/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$folder" || return
    while [ $# -gt 0 ]; do
        # shellcheck disable=SC2086  # options and file, as words
        timeout 300 "$uv" pip install --quiet --python "$folder/bin/python" $1 || { say "Could not install $what."; return; }
        shift
    done
    touch "$mark"
}

command -v terraform >/dev/null ||
    say 'No tests of terraform/: there is no Terraform (1.11 or newer); no package registry has it, its makers do.'
install provider 'the schema of the google provider' \
    '-r tests/terraform/provider/requirements.txt' '--no-deps -r tests/terraform/provider/bindings.txt'
install linters 'checkov and check-jsonschema' '-r tests/terraform/linters.txt'
exit 0
