"""Pictures that a result names can be opened, of new videos and of those stored before samples were one object."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from shared.models.job import Part, StageStatus
from shared.pipeline.job_storage import MEDIA, PARTS, media_name, media_prefix
from shared.pipeline.parts import part_id
from shared.pipeline.sample_archive import SAMPLES
from shared.wiring import TRANSCRIBE
from tests.api_site import Site
from tests.sounds import talking_video

SAMPLE = "samples/002.jpg"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return talking_video(Path(tmp_path_factory.mktemp("videos")) / "talking.mp4").read_bytes()


def recipe_job(site: Site, video: bytes) -> str:
    id = str(site.send(video, "recipe").json()["id"])
    site.work()
    assert site.client.get(f"/v1/jobs/{id}").json()["status"] == "done"
    return id


def store_as_before(site: Site, id: str) -> None:
    """Give a job the objects and documents that it would have had before samples were one object."""
    place = site.place.place
    with ZipFile(io.BytesIO(place.objects.read(MEDIA, media_name(id, SAMPLES)))) as archive:
        for name in archive.namelist():
            place.objects.put(MEDIA, media_name(id, name), archive.read(name), "image/jpeg")
    place.objects.delete(MEDIA, media_name(id, SAMPLES))
    place.objects.put(MEDIA, media_name(id, "result.json"), b"{}", "application/json")


def open_picture(site: Site, id: str, name: str) -> bytes:
    answer = site.client.get(f"/v1/jobs/{id}/media/{name}", follow_redirects=False)
    assert answer.status_code == 307, answer.text
    return httpx.get(answer.headers["location"]).raise_for_status().content


def test_each_picture_has_a_link(site: Site, video: bytes) -> None:
    """The owner opens a sample by its name as every other picture; nobody else does, and no other name works."""
    id = recipe_job(site, video)
    picture = open_picture(site, id, SAMPLE)
    assert picture.startswith(b"\xff\xd8")
    assert open_picture(site, id, SAMPLE) == picture
    base = f"/v1/jobs/{id}/media"
    ben = {"Authorization": "Bearer token-ben"}
    assert site.client.get(f"{base}/{SAMPLE}", headers=ben).status_code == 404
    for name in ("samples/999.jpg", "samples/extract.json", f"samples/{SAMPLES}"):
        assert site.client.get(f"{base}/{name}").status_code == 404
    assert site.client.delete(f"/v1/jobs/{id}").status_code == 204
    assert site.blobs() == []


def test_a_job_that_was_done_before(site: Site, video: bytes) -> None:
    """It can still be read, opened, exported, analyzed in another way and deleted."""
    id = recipe_job(site, video)
    store_as_before(site, id)
    assert open_picture(site, id, SAMPLE).startswith(b"\xff\xd8")
    assert site.client.get(f"/v1/jobs/{id}/export", params={"format": "json"}).status_code == 200
    answer = site.client.post(f"/v1/videos/{id}/analyses", json={"kind": "summary"})
    again = str(answer.json()["id"])
    site.work()
    done = site.client.get(f"/v1/jobs/{again}").json()
    assert (done["status"], done["error"]) == ("done", None)
    assert "extract" not in done["stages"]
    assert site.client.delete(f"/v1/videos/{id}").status_code == 204
    assert site.jobs() == []
    assert site.blobs() == []


def test_a_job_that_was_under_way_before(site: Site, video: bytes) -> None:
    """A job whose single part was begun, and whose message was recorded, by an earlier version is done by this one."""
    place = site.place.place
    id = recipe_job(site, video)
    part = Part(job_id=id, owner="local", stage=TRANSCRIBE, number=0, status=StageStatus.RUNNING, attempts=1)
    place.documents.put(PARTS, part_id(id, TRANSCRIBE, 0), part.to_document())
    store_as_before(site, id)
    stored = place.documents.get("jobs", id)
    assert stored is not None
    pending = {"status": "pending", "attempts": 0, "endedAt": None, "progress": 0}
    stages = {
        name: state | (pending if name in (TRANSCRIBE, "analyze", "persist") else {})
        for name, state in stored.data["stages"].items()
    }
    outbox = [{"id": "m", "target": TRANSCRIBE}]
    under_way = {"stages": stages, "outbox": outbox, "status": "running", "result": None, "endedAt": None}
    place.documents.put("jobs", id, stored.data | under_way)
    place.bus.publish("audio-extracted", {"jobId": id, "stage": TRANSCRIBE})
    site.work()
    done = site.client.get(f"/v1/jobs/{id}").json()
    assert (done["status"], done["error"]) == ("done", None)
    assert place.documents.query("jobs").documents[0].data["outbox"] == []
    assert site.client.delete(f"/v1/jobs/{id}").status_code == 204
    assert place.documents.query(PARTS).documents == []
    assert list(place.objects.list(MEDIA, media_prefix(id))) == []
