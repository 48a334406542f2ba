"""Stand-ins for programs that are not Clipwise's."""

from __future__ import annotations

import sys
from pathlib import Path


def python_program(path: Path, source: str) -> Path:
    """A program in Python. A shell starts it: a #! line takes no path that is long or has spaces in it."""
    path.write_text(f"#!/bin/sh\n'''exec' '{sys.executable}' \"$0\" \"$@\"\n'''\n{source}", encoding="utf-8")
    path.chmod(0o755)
    return path
