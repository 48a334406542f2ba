"""Uploads: whole, resumed and refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from infra.api_client import ApiError, ServerUnreachable
from infra.cli.upload import MAX_FAILURES, UploadTarget, upload_file
from tests.unit.cli.scripted import Script, serving

CONTENT = random.Random(1).randbytes(1_500_000)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "soup.mp4"
    path.write_bytes(CONTENT)
    return path


def send(script: Script, file: Path) -> tuple[list[int], list[float]]:
    """Upload `file`; returns what was told of its progress and how long each pause was to be."""
    progress: list[int] = []
    pauses: list[float] = []
    target = UploadTarget(f"{script.url}/storage/session", "PUT", {"Content-Type": "video/mp4"})
    upload_file(file, target, progress.append, pauses.append)
    return progress, pauses


def test_a_file_is_sent_whole(file: Path) -> None:
    """A file arrives as it is, in one request, with the headers that the server asked for."""
    with serving(Script()) as script:
        progress, pauses = send(script, file)
    assert script.received == CONTENT
    assert [headers["content-type"] for headers in script.requests_to("PUT", "/storage/session")] == ["video/mp4"]
    assert progress == sorted(progress)
    assert progress[-1] == len(CONTENT)
    assert pauses == []


def test_an_upload_goes_on_after_cut_connections(file: Path) -> None:
    """A connection that breaks twice costs no byte: each time the rest is sent, and nothing twice."""
    with serving(Script(cuts=[400_000, 500_000])) as script:
        progress, pauses = send(script, file)
    assert script.received == CONTENT
    ranges = [headers.get("content-range") for headers in script.requests_to("PUT", "/storage/session")]
    whole = len(CONTENT)
    assert ranges == [
        None,
        f"bytes */{whole}",
        f"bytes 400000-{whole - 1}/{whole}",
        f"bytes */{whole}",
        f"bytes 900000-{whole - 1}/{whole}",
    ]
    assert progress[-1] == whole
    assert len(pauses) == 2


def test_an_upload_that_arrived_although_its_answer_was_lost_is_done(file: Path) -> None:
    """When only the server's answer is lost, the file is not sent again."""
    with serving(Script(cuts=[len(CONTENT)])) as script:
        send(script, file)
    assert script.received == CONTENT
    assert len(script.requests_to("PUT", "/storage/session")) == 2


def test_a_refused_upload_is_not_tried_again(file: Path) -> None:
    """When the server does not want the bytes, the user reads its reason at once."""
    with serving(Script(refuse_upload=(413, "too_large"))) as script, pytest.raises(ApiError, match="too_large"):
        send(script, file)
    assert len(script.requests_to("PUT", "/storage/session")) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(file: Path, status: int) -> None:
    """A server that is busy for long ends the upload with its reason, after pauses that grow."""
    pauses: list[float] = []
    with serving(Script(refuse_upload=(status, "busy"))) as script, pytest.raises(ApiError, match="busy"):
        upload_file(file, UploadTarget(f"{script.url}/storage/session", "PUT", {}), lambda sent: None, pauses.append)
    assert len(pauses) == MAX_FAILURES
    assert pauses == sorted(pauses)


def test_a_server_that_went_away_is_named(file: Path) -> None:
    """When the server is gone for good, the user reads that the upload broke off."""
    with serving(Script()) as script:
        pass
    with pytest.raises(ServerUnreachable, match="could not be resumed"):
        send(script, file)
