"""How long and how large a video may be: by the path on which it comes, and by the place that processes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.pipeline.jobs import read_job
from shared.platform.video_limits import LOCAL_FILE_MB, LONGEST_SEC, cloud_file_mb, cloud_video_sec, native_settings
from shared.settings import read_settings
from tests import media_samples
from tests.api_site import Site

SCALE = Path(__file__).parents[2] / "docs" / "scale.md"


def test_the_native_api_takes_longer_videos_than_the_earlier_paths(site: Site, tmp_path: Path) -> None:
    """A reel of three seconds is too long for the reel scripter's limit of two; the native API takes it."""
    site.configure(MAX_VIDEO_DURATION_SEC="2")
    video = media_samples.small_video(tmp_path / "video.mp4", 3).read_bytes()
    earlier = site.client.post("/api/upload", files={"video": ("a.mp4", video, "video/mp4")})
    assert (earlier.status_code, "2 seconds" in earlier.json()["detail"]) == (400, True)

    job_id = site.send(video).json()["id"]
    site.work()
    job = read_job(site.place.place.documents, job_id)
    assert job is not None
    assert (job.error, job.earlier_limits) == (None, False)


def test_jobs_of_the_earlier_paths_keep_their_limits(site: Site, tmp_path: Path) -> None:
    """The pipeline knows by which path a job came, and clients of the native API do not see it."""
    video = media_samples.small_video(tmp_path / "video.mp4", 1).read_bytes()
    task_id = site.client.post("/api/upload", files={"video": ("a.mp4", video, "video/mp4")}).json()["task_id"]
    job = read_job(site.place.place.documents, task_id)
    assert job is not None
    assert job.earlier_limits
    assert "earlierLimits" not in site.client.get(f"/v1/jobs/{task_id}").json()


@pytest.mark.parametrize(
    ("environ", "in_cloud", "expected"),
    [
        ({}, False, (LOCAL_FILE_MB, LONGEST_SEC)),
        ({}, True, (cloud_file_mb(), cloud_video_sec())),
        ({"API_MAX_FILE_SIZE_MB": "5", "API_MAX_VIDEO_DURATION_SEC": "60"}, True, (5, 60)),
    ],
)
def test_the_limits_follow_the_place(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], in_cloud: bool, expected: tuple[Any, Any]
) -> None:
    """One machine takes two hours; the cloud takes what its functions' memory and time allow; settings decide."""
    if in_cloud:
        monkeypatch.setenv("K_SERVICE", "api")
    else:
        monkeypatch.delenv("K_SERVICE", raising=False)
    limits = native_settings(read_settings(environ))
    assert (limits.max_file_size_mb, limits.max_video_duration_sec) == expected
    assert (read_settings(environ).max_file_size_mb, read_settings(environ).max_video_duration_sec) == (100, 180)


def test_the_manual_states_the_limits_of_the_cloud() -> None:
    """Who plans a deployment reads the numbers that the wiring table gives."""
    page = SCALE.read_text(encoding="utf-8")
    assert f"{cloud_file_mb()} MB" in page
    assert f"{cloud_video_sec() / 60:g} minutes" in page
