"""An installation with another version of a library: its users are told so, at once, and not after four attempts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.broken_libraries import METADATA_ERRORS, other_pyav
from tests.contract.emulated import need_emulators
from tests.integration.sites import OPTIONS
from tests.server import eventually, serving


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_library_that_does_not_fit_is_told_at_the_start_and_ends_jobs_at_once(
    tmp_path: Path, small_video: Path, name: str
) -> None:
    """The log of the server says what is broken before any video comes; a job ends after one attempt, and its incident
    leads to the traceback."""
    if name == "emulated":
        need_emulators()
    with serving(tmp_path / "data", *OPTIONS[name], **other_pyav(tmp_path / "other")) as server:

        def log() -> str:
            return "\n".join(server.logs().values())

        sentence = f"reading a video does not work: TypeError: {METADATA_ERRORS}"
        eventually(lambda: sentence in log())
        told = next(line for line in log().splitlines() if sentence in line)
        assert " ERROR " in told
        assert "PyAV " in told
        assert "pip install 'clipwise[embedded]'" in told

        job = server.follow(server.submit(small_video))
        assert (job["status"], job["stages"]["extract"]["attempts"]) == ("failed", 1)
        assert (job["error"]["code"], job["error"]["retryable"]) == ("internal", True)
        incident = re.search(r"\(incident ([0-9a-f]{8})\)", job["error"]["message"])
        assert incident is not None
        found = [line for line in log().splitlines() if incident[1] in line]
        assert any("attempt failed" in line for line in found)
        assert METADATA_ERRORS in log().partition(incident[1])[2]
