"""The same jobs on either local place: what works on one works on the other, by the same calls."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.api_client import parse_error
from infra.demo.recipe import RECIPE
from tests.file_server import Web
from tests.hostile_server import HostileServer
from tests.server import Server


def upload(server: Server, video: Path, **fields: str) -> tuple[str, httpx.Response]:
    """The way of the apps: start an upload, PUT the bytes where the answer says."""
    with server.client() as client:
        asked = {"filename": video.name, "content_type": "video/mp4", "size": video.stat().st_size, **fields}
        answer = client.post("/v1/uploads", json=asked)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        put = client.request(told["method"], told["upload_url"], headers=told["headers"], content=video.read_bytes())
    return told["job"]["id"], put


def test_an_uploaded_cooking_video_becomes_its_recipe(place: Server, cooking_clip: Path) -> None:
    """An app that uploads straight to the storage gets the recipe that the video shows, with all amounts and units."""
    job_id, put = upload(place, cooking_clip, kind="recipe", language="en")
    assert put.status_code == 200, put.text
    job = place.follow(job_id)
    assert job["status"] == "done", job["error"]
    found = {(item["name"], item["amount"], item["unit"]) for item in job["result"]["ingredients"]}
    assert found >= {(item.name, item.amount, item.unit) for item in RECIPE.ingredients}
    assert job["usage"]["provider"] == "offline"

    with place.client() as client:
        for name in (
            job["video"]["thumbnail"]["name"],
            job["video"]["frames"][0]["name"],
            job["video"]["audio"]["name"],
        ):
            link = client.get(f"/v1/jobs/{job_id}/media/{name}")
            assert link.status_code == 307, name
            media = httpx.get(link.headers["location"])
            assert media.status_code == 200
            assert len(media.content) > 500


def test_clients_understand_the_end_of_a_request(place: Server) -> None:
    """A form above 32 MiB is refused, in the cloud by Google's page, and the command line says the same of either."""
    with place.client() as client:
        file = {"file": ("long.mp4", bytes(33 << 20), "video/mp4")}
        answer = client.post("/v1/jobs", data={"kind": "metadata"}, files=file)
    assert answer.status_code == 413
    assert parse_error(answer).code == "too_large"


def test_a_link_becomes_metadata(place: Server, web: Web, small_video: Path) -> None:
    """A video on the web is fetched through the guard and its facts are right."""
    shutil.copy(small_video, web.folder / "clip.mp4")
    with place.client() as client:
        answer = client.post("/v1/jobs", json={"url": f"http://{web.address}/clip.mp4", "kind": "metadata"})
    assert answer.status_code == 202, answer.text
    job = place.follow(answer.json()["id"])
    assert job["status"] == "done", job["error"]
    assert job["result"]["info"]["width"] == 320
    assert job["result"]["thumbnail"]["width"] == 320
    assert list(job["stages"]) == ["download", "extract", "persist"]


def test_events_show_rising_progress_to_the_end(place: Server, cooking_video: Path) -> None:
    """A client that listens sees queued or running, then more, never less, then done; and the stream ends by itself."""
    job_id, _ = upload(place, cooking_video, kind="metadata")
    seen: list[dict[str, Any]] = []
    with place.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                seen.append(json.loads(line.removeprefix("data:")))
    progress = [event["progress"] for event in seen]
    assert progress == sorted(progress)
    assert seen[-1]["status"] == "done"
    assert progress[-1] == 100


@pytest.mark.parametrize(
    ("path", "code", "stage"),
    [
        ("/404", "source_not_found", "download"),
        ("/html", "not_media", "download"),
        ("/empty", "empty_file", "download"),
    ],
)
def test_a_bad_link_fails_with_a_reason(
    place: Server, hostile: HostileServer, path: str, code: str, stage: str
) -> None:
    """A link to no video ends the job with a code, a sentence, the stage, and the word that a retry cannot help."""
    with place.client() as client:
        answer = client.post("/v1/jobs", json={"url": hostile.url(path), "kind": "metadata"})
    job = place.follow(answer.json()["id"])
    assert job["status"] == "failed"
    assert (job["error"]["code"], job["error"]["stage"], job["error"]["retryable"]) == (code, stage, False)
    assert job["error"]["message"]


def test_bytes_that_are_no_video_fail_in_extract(place: Server, tmp_path: Path) -> None:
    """What was uploaded past the API is judged by its content, and the server goes on."""
    text = tmp_path / "film.mp4"
    text.write_text("This is a diary.\n" * 100, encoding="utf-8")
    job_id, put = upload(place, text, kind="metadata")
    assert put.status_code == 200
    job = place.follow(job_id)
    assert job["status"] == "failed"
    assert job["error"]["stage"] == "extract"
    with place.client() as client:
        assert client.get("/healthz").status_code == 200


def test_twins_are_one_job(place: Server, hostile: HostileServer) -> None:
    """Twelve impatient taps on the same link make one job."""

    def tap(_: int) -> str:
        with place.client() as client:
            return str(client.post("/v1/jobs", json={"url": hostile.url("/slow"), "kind": "metadata"}).json()["id"])

    with ThreadPoolExecutor(12) as taps:
        ids = set(taps.map(tap, range(12)))
    assert len(ids) == 1
    with place.client() as client:
        assert client.post(f"/v1/jobs/{ids.pop()}/cancel").json()["status"] == "cancelled"


def test_a_deleted_job_leaves_nothing(place: Server, small_video: Path) -> None:
    """Deleting takes the job and its media away; asking for either says so."""
    job_id = place.submit(small_video)
    job = place.follow(job_id)
    assert job["status"] == "done"
    with place.client() as client:
        link = client.get(f"/v1/jobs/{job_id}/media/thumbnail.jpg").headers["location"]
        assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert client.get(f"/v1/jobs/{job_id}").status_code == 404
        assert client.get(f"/v1/jobs/{job_id}/media/thumbnail.jpg").status_code == 404
    assert httpx.get(link).status_code == 404


def test_many_jobs_at_once_all_end(place: Server, small_video: Path) -> None:
    """Twenty jobs sent together all end done, each with its own result."""
    with ThreadPoolExecutor(10) as senders:
        ids = list(senders.map(lambda _: place.submit(small_video), range(20)))
    assert len(set(ids)) == 20
    for job_id in ids:
        job = place.follow(job_id)
        assert job["status"] == "done", job["error"]
        assert job["result"]["duration"].startswith("00:00:")
