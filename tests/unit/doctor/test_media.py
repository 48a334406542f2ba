"""What `clipwise doctor` says of the media part."""

from __future__ import annotations

import av
import pytest

from infra.doctor.findings import Level
from infra.doctor.machine import check_media


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
