#!/bin/sh
# Installs the programs that tests need from Debian's packages, where that can be done; tests that lack one are skipped.
set -u

say() { printf '%s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null; }

list_missing() {
    has chromium-headless-shell || has chromium || has chromium-browser || has google-chrome || echo chromium
    has npm || echo npm
    has node || echo nodejs
    has nginx || [ -x /usr/sbin/nginx ] || echo nginx-light
    has systemd-analyze || echo systemd
    has tesseract || echo tesseract-ocr
    has tesseract && tesseract --list-langs 2>&1 | grep -qx rus || echo tesseract-ocr-rus
}

# On one line.
missing() { list_missing | tr '\n' ' '; }

# Chromium without a window and its menus needs half the processor time. Not every distribution has it as a package.
wanted() {
    if ! has chromium-headless-shell && apt-cache show chromium-headless-shell >/dev/null 2>&1; then
        echo chromium-headless-shell
        list_missing | grep -vx chromium
    else
        list_missing
    fi
}

if [ "$(id -u)" = 0 ] && has apt-get && [ -n "$(wanted)" ]; then
    # Another clone may be at it, and apt does not wait for itself.
    has flock && [ -d /var/lib/apt/lists ] && exec 9</var/lib/apt/lists && flock 9
    say "Installing for the tests: $(wanted | tr '\n' ' ')…"
    export DEBIAN_FRONTEND=noninteractive
    timeout 300 apt-get update -qq || say 'Could not update the list of packages.'
    # One by one: not every distribution has them all.
    for package in $(wanted); do
        timeout 600 apt-get install -qq -o DPkg::Lock::Timeout=120 --no-install-recommends "$package" >/dev/null ||
            say "Could not install $package."
    done
fi
[ -z "$(missing)" ] || say "SOME TESTS WILL BE SKIPPED. What they need, on Debian: sudo apt-get install $(missing)"
exit 0
