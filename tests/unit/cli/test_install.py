"""Installing on machines where something is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is all of the PATH: a shell's usual helpers, no uv, no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cut"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def install(programs: Path, tmp_path: Path, *script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", *(script or (ROOT / "infra" / "venv.sh", "run"))],
        env={"PATH": str(programs)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("old", [False, True], ids=["none", "too old"])
def test_without_python_the_user_is_told_what_to_install(programs: Path, tmp_path: Path, old: bool) -> None:
    """Where there is no Python, or only an old one, the install ends with the commands that bring one."""
    if old:
        program(programs / "python3", "exit 1")
    result = install(programs, tmp_path)
    assert result.returncode == 1
    assert "needs Python 3.11 or newer" in result.stderr
    assert "apt install python3" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_without_ensurepip_the_user_is_told_what_to_install(programs: Path, tmp_path: Path) -> None:
    """Debian's bare Python cannot make environments: the install names the package that is missing."""
    program(programs / "python3.12", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"')
    result = install(programs, tmp_path)
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_uv_is_used_where_it_is(programs: Path, tmp_path: Path) -> None:
    """Where uv is installed it does everything, held to the lock file."""
    program(programs / "uv", 'echo "$@" > asked; mkdir .venv')
    for name in ("mkdir", "touch"):
        (programs / name).symlink_to(str(shutil.which(name)))
    assert install(programs, tmp_path).returncode == 0
    assert "sync --quiet --frozen --extra embedded" in (tmp_path / "asked").read_text()
    assert (tmp_path / ".venv" / ".for-run").exists()


@pytest.mark.parametrize(
    ("user", "calls"),
    [(0, ["update -qq", "install chromium", "install tesseract-ocr-rus"]), (1000, [])],
    ids=["root", "another user"],
)
def test_programs_for_tests_are_installed_by_root(programs: Path, tmp_path: Path, user: int, calls: list[str]) -> None:
    """The suite of a new machine installs what it can; what it cannot is a command to copy, and no reason to stop."""
    (tmp_path / "calls").touch()
    for name in ("tr", "grep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    program(programs / "id", f"echo {user}")
    program(programs / "timeout", 'shift; "$@"')
    program(programs / "node", "")
    program(programs / "npm", "")
    program(programs / "tesseract", "echo eng")
    program(programs / "apt-get", 'for last; do :; done; echo "$1 $last" >> calls; exit 100')
    result = install(programs, tmp_path, str(ROOT / "tests" / "install.sh"))
    assert result.returncode == 0
    assert "sudo apt-get install chromium tesseract-ocr-rus" in result.stderr
    assert (tmp_path / "calls").read_text().splitlines() == calls
