"""The checks of this machine."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import av
import pytest
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from infra.cli.main import app
from infra.doctor import machine
from infra.doctor.findings import DoctorFinding, Level
from infra.doctor.machine import check_media
from infra.runtimes.embedded.serve import lock_data_folder
from shared.settings import read_settings
from tests.ffmpeg_programs import RENDERER


def only(findings: list[DoctorFinding], subject: str) -> DoctorFinding:
    return next(finding for finding in findings if finding.subject == subject)


def test_a_machine_that_can_serve_is_told_so_by_exit_code_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where tests run everything that is needed is there, and a script can read that."""
    monkeypatch.setenv("AI_PROVIDER", "offline")
    answer = CliRunner().invoke(app, ["doctor", "--json", "--data", str(tmp_path / "new")])
    report = json.loads(answer.stdout)
    assert (answer.exit_code, report["healthy"]) == (0, True)
    assert {"python", "packages", "ffmpeg", "settings", "data folder"} <= {row["subject"] for row in report["findings"]}
    assert not (tmp_path / "new").exists()


def test_a_problem_is_the_exit_code_and_comes_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script and a person both learn that a setting is wrong, and which."""
    monkeypatch.setenv("MAX_FILE_SIZE_MB", "much")
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 1
    assert "MAX_FILE_SIZE_MB" in answer.stdout
    assert "→ correct" in answer.stdout


def test_a_folder_that_cannot_be_written_to_is_found() -> None:
    """Who cannot write to the data folder learns it before a server fails."""
    # Neither can root, on Linux; on macOS there is no such folder, and / is sealed.
    assert [row.level for row in machine.check_data(Path("/proc/data"))] == [Level.PROBLEM]


def test_a_data_folder_that_is_a_file_or_damaged_is_found(tmp_path: Path) -> None:
    """A file in the folder's place, and a database that is none, are problems."""
    (tmp_path / "file").write_text("")
    assert [row.level for row in machine.check_data(tmp_path / "file")] == [Level.PROBLEM]
    (tmp_path / "clipwise.db").write_bytes(b"no database" * 100)
    assert only(list(machine.check_data(tmp_path)), "database").level is Level.PROBLEM


def test_a_folder_that_is_served_is_no_problem_but_told(tmp_path: Path) -> None:
    """While a server runs, one learns that a second one needs another folder; afterwards the folder is free."""
    with lock_data_folder(tmp_path):
        assert only(list(machine.check_data(tmp_path)), "served").level is Level.NOTE
    assert only(list(machine.check_data(tmp_path)), "served").level is Level.GOOD


def test_a_port_that_is_taken_is_told() -> None:
    """Who has something else on the port learns how to take another."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        other.settimeout(0.01)
        [finding] = machine.check_port("127.0.0.1", port)
    assert (finding.level, "--port 0" in finding.advice) == (Level.NOTE, True)


def test_packages_are_those_of_all_functions() -> None:
    """What any function imports on one machine counts, and nothing that only the cloud needs."""
    packages = machine.requirements("clipwise", ("embedded",))
    assert {"fastapi", "av", "rapidocr", "pydantic", "uvicorn"} <= set(packages)
    assert "google-cloud-firestore" not in packages


def test_a_version_outside_the_allowed_range_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is too old, a too new one and a missing package are each named; 1.10 is above 1.9."""
    monkeypatch.setattr(machine, "version", {"old": "1.9.3", "new": "19.0.2", "fine": "1.10.0"}.__getitem__)
    assert machine.version_problem("old", SpecifierSet(">=1.10,<2")) == "1.9.3, requires <2,>=1.10"
    assert machine.version_problem("new", SpecifierSet(">=18,<19")) == "19.0.2, requires <19,>=18"
    assert machine.version_problem("fine", SpecifierSet(">=1.9,<2")) is None
    monkeypatch.undo()
    assert machine.version_problem("no-such-package", SpecifierSet("")) == "missing"


def test_a_python_outside_the_supported_range_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that nobody tried is named before a library fails on it."""
    monkeypatch.setattr(machine.sys, "version_info", (3, 99, 0))
    [finding] = machine.check_python()
    assert (finding.level, "3.99.0" in finding.said) == (Level.PROBLEM, True)


def test_an_ffmpeg_program_that_does_not_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken program on the PATH is no reason to fail, and is named; without one PyAV's libraries are."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "PyAV" in only(list(machine.check_ffmpeg()), "ffmpeg").said
    (tmp_path / "ffmpeg").symlink_to("/bin/false")
    assert only(list(machine.check_ffmpeg()), "ffmpeg").level is Level.NOTE
    (tmp_path / "ffmpeg").unlink()
    (tmp_path / "ffmpeg").symlink_to(RENDERER)
    assert only(list(machine.check_ffmpeg()), "ffmpeg").said.endswith(str(tmp_path / "ffmpeg"))


def test_a_speech_model_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """A folder that was promised and is missing is told before a job fails for it."""
    settings = read_settings({"WHISPER_MODEL_DIR": str(tmp_path / "none")})
    assert [row.level for row in machine.check_speech(settings)] == [Level.PROBLEM]


def test_a_media_part_that_works_is_good_and_its_versions_are_named() -> None:
    """Who asks is told which libraries read the videos here."""
    (finding,) = check_media()
    assert (finding.level, finding.subject) == (Level.GOOD, "media")
    assert f"PyAV {av.__version__}" in finding.said


def test_a_media_part_that_is_broken_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any file of a user fails, one learns what is broken, with which versions, and what to do."""

    def refuse(*_: object, **__: object) -> None:
        raise TypeError("open() takes no such argument")

    monkeypatch.setattr(av, "open", refuse)
    (finding,) = check_media()
    assert (finding.level, finding.subject) == (Level.PROBLEM, "media")
    assert "TypeError: open() takes no such argument" in finding.said
    assert f"PyAV {av.__version__}" in finding.said
    assert "pip install" in finding.advice
