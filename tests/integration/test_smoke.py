"""`clipwise smoke` against both local places, and against servers that do not do what they should."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.cli.demo import video_name
from tests.server import BEHIND_PROXY, CLIPWISE, Server
from tests.unit.cli.scripted import ID, Script, job, serving


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, cooking_video: Path) -> Path:
    """The folder of someone who has run the demo once."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "demo").mkdir()
    (folder / "demo" / f"{video_name()}.mp4").hardlink_to(cooking_video)
    return folder


def smoke(data: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*CLIPWISE, "smoke", "--server", url, *options]
    environ = BEHIND_PROXY | {"PATH": os.environ["PATH"], "CLIPWISE_DATA": str(data), "HOME": str(data)}
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_a_job_goes_through_a_deployment_and_leaves_nothing(place: Server, data: Path) -> None:
    """On either place one command tells that everything works and how long each stage took, and cleans up."""
    before = {job["id"] for job in place.jobs()}
    done = smoke(data, place.url)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "PASSED" in done.stdout
    for row in ("extract", "persist", "total"):
        assert row in done.stdout
    assert {job["id"] for job in place.jobs()} == before


def test_nobody_there_is_told_from_something_wrong(data: Path) -> None:
    """Exit code 2 is for a server that does not answer."""
    silent = smoke(data, "http://127.0.0.1:9")
    assert silent.returncode == 2
    assert "No Clipwise server responds" in silent.stderr


@pytest.mark.parametrize(
    ("polled", "told"),
    [
        (job("failed", error={"code": "boom", "message": "It broke.", "stage": "analyze"}), "It broke. (boom)"),
        (job("running"), "the job is still running"),
        (job("done"), "FAILED"),
    ],
)
def test_a_job_that_fails_hangs_or_gives_nothing_is_a_failure(data: Path, polled: dict[str, object], told: str) -> None:
    """Exit code 1, a sentence that says why, the token sent along, and the job deleted all the same."""
    polled = {**polled, "video": {"info": {"durationSec": 1, "width": 2, "height": 2}, "thumbnail": None}}
    with serving(Script(polled=[polled])) as script:
        failed = smoke(data, script.url, "--token", "t0k", "--patience", "1")
    assert failed.returncode == 1, failed.stderr + failed.stdout
    assert told in failed.stderr
    assert script.requests_to("DELETE", f"/v1/jobs/{ID}")[0]["authorization"] == "Bearer t0k"
