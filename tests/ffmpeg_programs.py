"""The ffmpeg programs that tests use: one renders all media, the others are tried as a user's own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

RENDERER: str = get_ffmpeg_exe()
"""Comes with the locked development tools: what tests render is the same on every machine."""

# Where `make ffmpeg-deps` puts older ones.
_FOLDER = Path(__file__).parents[1] / ".venv" / "ffmpeg"


def ffmpeg_programs() -> dict[str, str]:
    """Version to path of every ffmpeg here: the renderer, older ones, and the machine's own."""
    candidates = [RENDERER, *map(str, sorted(_FOLDER.glob("*/imageio_ffmpeg/binaries/ffmpeg-*")))]
    own = shutil.which("ffmpeg")
    return {_version(program): program for program in (*candidates, *([own] if own else []))}


def _version(program: str) -> str:
    banner = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"ffmpeg version (?:n|N-)?([\w.]+)", banner)
    return version[1] if version else program
