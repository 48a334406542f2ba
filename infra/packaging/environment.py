"""Clean environments that hold a package's own requirements and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.packaging.package import uv


def install(requirements: Path, folder: Path) -> Path:
    """Make an environment in `folder` from pinned requirements, hashes checked; return its Python."""
    python = folder / "bin" / "python"
    subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
    wanted = ["--require-hashes", "--requirement", str(requirements)]
    subprocess.run([uv(), "pip", "install", "--quiet", "--python", python, *wanted], check=True)
    return python
