#!/bin/sh
# Installs older ffmpeg programs into .venv/ffmpeg: the media tests run with each of them as the machine's own.
set -u
cd "$(dirname "$0")/../../.."

if command -v uv >/dev/null; then uv=uv; else uv=.venv/uv/bin/uv; fi

# These releases of imageio-ffmpeg carry ffmpeg 4.2 and 7.0; the one in .venv is newer, Debian 12 has 5.1.
for release in 0.5.1 0.7.0; do
    folder=.venv/ffmpeg/$release
    [ -d "$folder" ] && continue
    "$uv" pip install --quiet --no-deps --target "$folder.part" "imageio-ffmpeg==$release" && mv "$folder.part" "$folder" ||
        echo "Media tests without the ffmpeg of imageio-ffmpeg $release: it cannot be installed." >&2
done
exit 0
