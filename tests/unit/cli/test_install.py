"""Installing on machines where something is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import entry_points
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


def install(programs: Path, tmp_path: Path, *script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", *(script or (ROOT / "infra" / "venv.sh", "run"))],
        env={"PATH": str(programs), **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("version", [None, (3, 10, 14), (3, 15, 0)])
def test_without_a_supported_python_the_user_is_told_what_to_install(
    programs: Path, tmp_path: Path, version: tuple[int, int, int] | None
) -> None:
    """Where there is no Python, or only one that is too old or too new, the commands that bring one are named."""
    if version:
        set_version = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
        program(programs / "python3", f'exec {sys.executable} -c "{set_version}" "$2"')
    result = install(programs, tmp_path)
    assert result.returncode == 1
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in result.stderr
    assert "apt install python3" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_of_pyenv_is_found(programs: Path, tmp_path: Path) -> None:
    """An unsupported default does not matter where pyenv holds a supported interpreter."""
    program(programs / "python3", "exit 1")
    versions = tmp_path / "pyenv" / "versions" / "3.12.1" / "bin"
    versions.mkdir(parents=True)
    program(versions / "python3", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"')
    result = install(programs, tmp_path, PYENV_ROOT=str(tmp_path / "pyenv"))
    assert str(versions / "python3") in result.stderr


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
    program(programs / "systemd-analyze", "")
    program(programs / "tesseract", "echo eng")
    program(programs / "apt-get", 'for last; do :; done; echo "$1 $last" >> calls; exit 100')
    result = install(programs, tmp_path, str(ROOT / "tests" / "install.sh"))
    assert result.returncode == 0
    assert "sudo apt-get install chromium tesseract-ocr-rus" in result.stderr
    assert (tmp_path / "calls").read_text().splitlines() == calls


def run_program(*missing: str) -> subprocess.CompletedProcess[str]:
    """`clipwise --help` where these modules are not installed."""
    (program,) = entry_points(group="console_scripts", name="clipwise")
    script = (
        f"import sys; sys.modules |= dict.fromkeys({missing}); from {program.module} import {program.attr} as start"
    )
    command = [sys.executable, "-c", f"{script}; sys.argv[1:] = ['--help']; sys.exit(start())"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_program_says_what_to_install(missing: str) -> None:
    """Who installed the bare package reads the command that brings the rest, not a traceback."""
    result = run_program(missing)
    assert result.returncode == 2
    assert result.stderr == (f"{missing} is not installed. Run: pip install 'clipwise[embedded]'\n")


def test_a_module_of_ours_that_is_missing_is_a_bug() -> None:
    """Nobody is sent to install what no package brings."""
    result = run_program("infra.cli.options")
    assert "Traceback" in result.stderr
    assert "pip install" not in result.stderr


def test_with_the_extra_the_program_runs() -> None:
    """The program that is installed is the command line."""
    result = run_program()
    assert result.returncode == 0
    assert "submit" in result.stdout
