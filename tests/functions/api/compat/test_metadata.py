"""Row 3 of the earlier systems: the video metadata service."""

from __future__ import annotations

import re
from datetime import datetime

import httpx
import pytest
from PIL import Image

from shared.models.job import JobStatus
from tests.api_site import MP4, Site
from tests.functions.api.compat.calls import get
from tests.video_samples import plain_video

TIME = "%Y-%m-%dT%H:%M:%S"


def upload(site: Site, content: bytes = MP4, name: str = "holiday.mp4") -> str:
    answer = site.client.post("/upload-video/", files={"file": (name, content, "video/mp4")})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"id", "filename", "message"}
    assert answer.json()["filename"] == name
    return str(answer.json()["id"])


def test_the_documented_flow(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A client sends a video, asks until it is done, and shows duration and thumbnail.

    The picture is there for whoever got its path from the owner, and goes with the video.
    """
    video = plain_video(tmp_path_factory.mktemp("videos") / "v.mp4", seconds=5, width=640, height=360)
    id = upload(site, video.read_bytes())
    assert get(site, f"/video-status/{id}") == {"id": id, "status": "pending"}
    site.work()
    assert get(site, f"/video-status/{id}") == {"id": id, "status": "done"}
    found = get(site, f"/video-metadata/{id}")
    assert found.keys() == {"id", "filename", "upload_time", "status", "duration", "thumbnail_url"}
    assert (found["id"], found["filename"], found["status"]) == (id, "holiday.mp4", "done")
    assert found["duration"] == "00:00:05"
    assert datetime.strptime(found["upload_time"], TIME).year >= 2024
    assert re.fullmatch(r"/thumbnails/thumb_\w+\.jpg", found["thumbnail_url"])
    picture = httpx.get(site.url + found["thumbnail_url"])
    assert picture.headers["content-type"] == "image/jpeg"
    job_id = site.jobs()[0]["id"]
    for other in (f"thumb_{job_id}.jpg", f"thumb_{job_id}_{'0' * 32}.jpg", f"{job_id}.jpg", "thumb_.jpg", "é"):
        assert httpx.get(f"{site.url}/thumbnails/{other}").status_code == 404
    saved = tmp_path_factory.mktemp("pictures") / "t.jpg"
    saved.write_bytes(picture.content)
    assert Image.open(saved).size == (320, 180)
    assert site.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert httpx.get(site.url + found["thumbnail_url"]).status_code == 404


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (JobStatus.QUEUED, "pending"),
        (JobStatus.RUNNING, "processing"),
        (JobStatus.DONE, "done"),
        (JobStatus.FAILED, "failed"),
        (JobStatus.CANCELLED, "failed"),
    ],
)
def test_each_state_has_its_word(site: Site, status: JobStatus, word: str) -> None:
    """A client meets no status word but the four that it knows."""
    id = upload(site)
    site.change(id, status=status)
    assert get(site, f"/video-status/{id}")["status"] == word
    assert get(site, f"/video-metadata/{id}")["status"] == word


def test_before_it_is_looked_at(site: Site) -> None:
    """What is not known yet is null, and the other fields are there."""
    id = upload(site)
    found = get(site, f"/video-metadata/{id}")
    assert (found["duration"], found["thumbnail_url"]) == (None, None)
    assert re.match(r"\d{4}-\d\d-\d\dT", found["upload_time"])


def test_the_list_has_all(site: Site) -> None:
    """All videos are listed, newest first, with the same fields as one alone; jobs of other kinds are not."""
    ids = [upload(site, name=f"{number}.mp4") for number in range(3)]
    site.submit(kind="recipe")
    listed = get(site, "/videos/")
    assert [video["id"] for video in listed] == ids[::-1]
    assert listed[0] == get(site, f"/video-metadata/{ids[2]}")


@pytest.mark.parametrize("path", ["/video-status/{}", "/video-metadata/{}"])
def test_unknown_videos(site: Site, path: str) -> None:
    """What there is not, or is of another kind, is not found, with the reason in `detail`."""
    for id in ("0" * 32, site.submit(kind="recipe")["id"], "1"):
        answer = site.client.get(path.format(id))
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


def test_what_is_no_video_is_refused(site: Site) -> None:
    """A file that is none is refused with a sentence, and a missing one too."""
    answer = site.client.post("/upload-video/", files={"file": ("a.txt", b"hello", "text/plain")})
    assert answer.status_code == 415
    assert isinstance(answer.json()["detail"], str)
    assert site.client.post("/upload-video/", data={"x": "y"}).status_code in (400, 422)
    assert site.jobs() == []
