#!/bin/sh
# Brings .venv in line with uv.lock. What for: to `run` Clipwise, or `dev`, which adds the tools for working on it.
# The lock holds either way: uv is used where it is installed, else a pinned one is put into .venv by pip.
set -eu

UV_VERSION=0.13.8
purpose=$1
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT

say() { printf '%s\n' "$*" >&2; }

# A supported interpreter: the one asked for, the usual one, another on the PATH, or one that pyenv holds.
find_python() {
    for python in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.14 python3.12 python3.11 python \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python3; do
        if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            return
        fi
    done
    say 'Clipwise needs Python 3.11, 3.12, 3.13 or 3.14, and none was found.'
    say '  Debian, Ubuntu: sudo apt install python3 python3-venv    Fedora: sudo dnf install python3'
    say '  macOS: brew install python@3.13    or, anywhere: install uv, which brings Python along'
    say 'If it is there under another name: make PYTHON=/path/to/python3'
    exit 1
}

install_uv() {
    find_python
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        say "$python cannot make virtual environments: its module ensurepip is missing."
        say '  Debian, Ubuntu: sudo apt install python3-venv    or, anywhere: install uv'
        exit 1
    fi
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --target .venv/uv "uv==$UV_VERSION"
}

if [ "$purpose" = dev ]; then what="Clipwise and its development tools"; else what="Clipwise and its dependencies"; fi
say "Installing $what into .venv. The first time, this can take a few minutes …"
if command -v uv >/dev/null; then
    uv=uv
    [ -z "${PYTHON:-}" ] || export UV_PYTHON="$PYTHON"
else
    uv=.venv/uv/bin/uv
    [ "$("$uv" --version 2>/dev/null | cut -d ' ' -f 2)" = "$UV_VERSION" ] || install_uv
fi
if [ -t 2 ]; then quiet=; else quiet=--quiet; fi
if [ "$purpose" = dev ]; then
    "$uv" sync $quiet --frozen --extra embedded
    touch .venv/.for-dev
else
    "$uv" sync $quiet --frozen --extra embedded --no-default-groups --inexact
fi
touch .venv/.for-run
