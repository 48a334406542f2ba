"""The wheel, unpacked as an installer does it, beside a user's own packages with the names of our folders."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from infra.packaging.package import served_files
from tests.contract.emulated import need_emulators
from tests.integration.sites import OPTIONS
from tests.interpreters import ROOT
from tests.patience import PATIENCE_SEC
from tests.server import Server, descendants, eventually, serving
from tests.wheel import FOLDERS, OWNER, add_strangers, build_wheel

SUFFIXES = {".html", ".json", ".py", ".rules", ".ttf", ".yaml"}
SIGNS = ("No module named", "cannot import name", "worker ended with")
COMMAND = [sys.executable, "-m", "clipwise"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def python_path(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The wheel's contents, and behind them the user's packages."""
    installed, strangers = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("strangers")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    add_strangers(strangers)
    return os.pathsep.join(map(str, (installed, strangers)))


def test_the_wheel_installs_one_package(wheel: Path) -> None:
    """An installation adds the name `clipwise` to an environment, and no other that a user's package could have."""
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"clipwise"}


def test_the_wheel_has_every_source_and_data_file(wheel: Path) -> None:
    """What runs in a clone runs from the wheel: no module, rule, font, page or table is left out."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"clipwise/{path.relative_to(ROOT)}" for path in [*files, *served_files("api")]} <= names
    assert not [name for name in names if "node_modules" in name or "package-lock" in name]


def test_a_program_of_the_user_imports_the_users_packages(python_path: str, tmp_path: Path) -> None:
    """A program that has its own package `shared` works as before, in an environment where Clipwise is installed."""
    script = f"import {', '.join(FOLDERS)}; print(*({'.OWNER, '.join(FOLDERS)}.OWNER), sep='\\n')"
    environ = os.environ | {"PYTHONPATH": python_path}
    command = [sys.executable, "-c", script]
    program = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert program.stdout.splitlines() == [OWNER] * len(FOLDERS)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_process_of_a_server_imports_our_packages(
    python_path: str, tmp_path: Path, small_video: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a user's package `shared` is installed and another lies in the current folder, a video is processed."""
    if name == "emulated":
        need_emulators()
    add_strangers(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.server.CLIPWISE", COMMAND)
    with serving(tmp_path / "data", *OPTIONS[name], PYTHONPATH=python_path) as server:
        start_functions(server)
        job_id = server.submit(small_video)
        eventually(lambda: server.job(job_id)["endedAt"] or faults(server))
        job = server.job(job_id)
        assert faults(server) == []
    assert job["status"] == "done", job


def start_functions(server: Server) -> None:
    """Call each function of the emulated place that waits for events: it starts when it is first called."""
    for pid in descendants(server.pid):
        words: list[str] = []
        with suppress(FileNotFoundError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "--listen" in words:
            url = f"http://127.0.0.1:{words[words.index('--port') + 1]}"
            assert httpx.post(url, timeout=PATIENCE_SEC).status_code >= 400, words


def faults(server: Server) -> list[str]:
    """Lines of the logs that report a failed import or a process that ended."""
    lines = "\n".join(server.logs().values()).splitlines()
    return [line for line in lines if any(sign in line for sign in SIGNS)]
