"""The line that a new process of `extract` logs about ffmpeg."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shared.media.audio.ffmpeg_program import BROKEN, FOUND, MISSING, log_ffmpeg
from tests.programs import python_program

PROGRAMS = {
    FOUND: "print('ffmpeg version 4.4.2-0ubuntu Copyright')",
    BROKEN: "raise SystemExit(1)",
}


@pytest.mark.parametrize("outcome", [FOUND, BROKEN, MISSING])
def test_a_new_process_says_whether_ffmpeg_is_there(
    outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads the log of a deployment sees at once that sound takes the slower way, and why."""
    if script := PROGRAMS.get(outcome):
        python_program(tmp_path / "ffmpeg", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    log_ffmpeg.cache_clear()
    with caplog.at_level(logging.INFO):
        log_ffmpeg()
        log_ffmpeg()
    log_ffmpeg.cache_clear()
    (record,) = [record for record in caplog.records if record.name.endswith("ffmpeg_program")]
    assert record.getMessage().startswith(outcome)
    assert record.levelno == (logging.INFO if outcome == FOUND else logging.ERROR)
