"""The ffmpeg program, which decodes sound faster than the Python packages do where it is installed."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from functools import lru_cache

_log = logging.getLogger(__name__)
VERSION_SEC = 10
FOUND, MISSING, BROKEN = "ffmpeg is installed", "ffmpeg is not installed", "ffmpeg cannot be run"
"""How the line of a new process begins; `clipwise doctor --project` reads it."""


@lru_cache(maxsize=1)
def log_ffmpeg() -> None:
    """Log once in a process whether ffmpeg can be run; an error says what its absence costs."""
    program = shutil.which("ffmpeg")
    if program is None:
        _log.error("%s: sound is decoded by the Python packages, which is slower. Deploy with a full runtime.", MISSING)
        return
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=VERSION_SEC)
    except (OSError, subprocess.TimeoutExpired) as error:
        _log.error("%s: %s (%s). Sound is decoded by the Python packages.", BROKEN, program, type(error).__name__)
        return
    version = re.match(r"ffmpeg version (\S+)", done.stdout)
    if done.returncode or version is None:
        _log.error("%s: %s ends with %d. Sound is decoded by the Python packages.", BROKEN, program, done.returncode)
        return
    _log.info("%s: %s, version %s", FOUND, program, version[1])
