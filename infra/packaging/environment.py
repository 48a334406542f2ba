"""Clean environments that hold a package's own requirements and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infra.packaging.package import uv_path


def install_requirements(requirements: Path, folder: Path) -> Path:
    """Make an environment in `folder` from pinned requirements, hashes checked; return its Python."""
    python = folder / "bin" / "python"
    subprocess.run([uv_path(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
    command = [
        uv_path(),
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--require-hashes",
        "-r",
        str(requirements),
    ]
    # Hashes are pinned, so what uv has kept of an earlier run is as good; the index is asked for what it has not.
    if subprocess.run([*command, "--offline"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run(command, check=True)
    return python
