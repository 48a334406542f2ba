"""Files that end their worker: the job ends with the reason, and the installation goes on."""

from __future__ import annotations

from pathlib import Path

from tests.broken_libraries import crashing_pyav, hungry_pyav
from tests.server import serving


def test_a_file_that_crashes_its_worker_twice_fails_with_the_signal(tmp_path: Path, small_video: Path) -> None:
    """A video that crashes a native library ends its job after two attempts, and the log has the place of the crash."""
    with serving(tmp_path / "data", **crashing_pyav(tmp_path / "other")) as server:
        job = server.follow(server.submit(small_video))
        log = "\n".join(server.logs().values())
    stage = job["stages"]["extract"]
    assert (job["status"], stage["attempts"], stage["interruptions"]) == ("failed", 2, 2)
    assert (job["error"]["code"], job["error"]["retryable"]) == ("worker_crashed", False)
    assert "SIGSEGV" in job["error"]["message"]
    assert "Segmentation fault" in log


def test_a_worker_whose_memory_is_used_up_ends_its_job_and_goes_on(tmp_path: Path, small_video: Path) -> None:
    """The limit is set in real workers: a job beyond it fails at once with `out_of_memory`, and no worker dies."""
    with serving(tmp_path / "data", **hungry_pyav(tmp_path / "other")) as server:
        job = server.follow(server.submit(small_video))
        log = "\n".join(server.logs().values())
    stage = job["stages"]["extract"]
    assert (job["status"], stage["attempts"], stage["interruptions"]) == ("failed", 1, 0)
    assert (job["error"]["code"], job["error"]["retryable"]) == ("out_of_memory", True)
    assert "starting another" not in log
