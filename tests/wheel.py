"""The wheel, and a user's own packages that have the names of our folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.packaging.package import uv_path
from tests.interpreters import ROOT

FOLDERS = ("functions", "infra", "shared")
OWNER = "the user"


def build_wheel(folder: Path) -> Path:
    """Build the wheel in `folder`; return its path."""
    command = [uv_path(), "build", "--quiet", "--wheel", "--out-dir", str(folder)]
    # The build backend is in uv's cache since it installed the project here; the index is the second choice.
    if subprocess.run([*command, "--offline"], cwd=ROOT, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run(command, cwd=ROOT, check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def add_strangers(folder: Path) -> None:
    """Put packages that are not ours into `folder`, one for each of our folders and with its name."""
    for name in FOLDERS:
        package = folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"OWNER = {OWNER!r}\n", encoding="utf-8")
