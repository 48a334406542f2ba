"""`keep_source: false`: the video goes away with the end of its job, whatever end that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.sweep import sweep
from tests.api_site import MP4, Site
from tests.video_samples import plain_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return plain_video(tmp_path_factory.mktemp("videos") / "plain.mp4").read_bytes()


def send(site: Site, content: bytes, **fields: str) -> str:
    data = {"kind": "metadata", "keep_source": "false"} | fields
    answer = site.client.post("/v1/jobs", files={"file": ("a.mp4", content)}, data=data)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def get_job(site: Site, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = site.client.get(f"/v1/jobs/{job_id}").json()
    return job


def is_there(site: Site, job_id: str) -> bool:
    return site.place.place.objects.stat(UPLOADS, source_name(job_id)) is not None


def test_it_goes_after_success(site: Site, video: bytes) -> None:
    """When the result is there, the video is not there any more, and the job says so."""
    job_id = send(site, video)
    assert is_there(site, job_id)
    site.work()

    job = get_job(site, job_id)
    assert (job["status"], job["keepSource"], job["sourceDeleted"]) == ("done", False, True)
    assert job["result"]
    assert not is_there(site, job_id)


def test_it_goes_after_failure(site: Site) -> None:
    """A video that nothing could be made of is not kept either."""
    job_id = send(site, MP4)
    site.work()

    assert (get_job(site, job_id)["status"], get_job(site, job_id)["sourceDeleted"]) == ("failed", True)
    assert not is_there(site, job_id)


def test_it_goes_with_cancelling(site: Site, video: bytes) -> None:
    """Who stops a job takes the video back with it, and the event that still waits does no harm."""
    job_id = send(site, video)
    job = site.client.post(f"/v1/jobs/{job_id}/cancel").json()
    assert (job["status"], is_there(site, job_id)) == ("cancelled", False)
    site.work()

    assert get_job(site, job_id)["status"] == "cancelled"


def test_it_is_kept_otherwise(site: Site, video: bytes) -> None:
    """Who does not ask for it keeps the video for a retry, as long as the server is set to."""
    job_id = send(site, video, keep_source="true")
    site.work()
    sweep(site.place.place)

    assert (get_job(site, job_id)["status"], get_job(site, job_id)["sourceDeleted"]) == ("done", False)
    assert is_there(site, job_id)


def test_sweep_makes_up_for_a_storage_that_was_down(site: Site, video: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the video cannot be removed at the end, the result is there all the same and the next sweep removes it."""
    job_id = send(site, video)

    def down(*_: Any) -> None:
        raise OSError("the storage is down")

    with monkeypatch.context() as broken:
        broken.setattr(type(site.place.place.objects), "delete", down)
        site.work()
    assert get_job(site, job_id)["status"] == "done"
    assert is_there(site, job_id)

    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    sweep(site.place.place)
    assert not is_there(site, job_id)
    assert get_job(site, job_id)["sourceDeleted"]


def test_a_job_that_keeps_its_video_is_not_the_answer(site: Site) -> None:
    """Who wants a link's video gone gets a job that does so, not one that somebody made to keep it."""
    assert site.submit()["id"] != site.submit(keep_source=False)["id"]


def test_uploads_know_it_too(site: Site, tmp_path: Path) -> None:
    """It goes with a file that is sent straight to storage."""
    body = {"content_type": "video/mp4", "size": 9, "kind": "metadata", "keep_source": False}

    assert site.client.post("/v1/uploads", json=body).json()["job"]["keepSource"] is False
