"""Upload sessions: durable, exclusive, bounded. The protocol itself is in the contract suite."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from shared import clock
from shared.errors import Conflict, NotFound
from shared.platform.embedded.object_catalog import BlobStore
from shared.platform.embedded.place import EmbeddedPlace
from tests.unit.embedded.conftest import Clock, reopen


def ask(place: EmbeddedPlace, method: str, url: str, **request: Any) -> httpx.Response:
    """One request to the place's own server."""
    app = Starlette(routes=[Mount("/storage", place.storage_app())])

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=place.settings.public_url) as client:
            return await client.request(method, url, **request)

    return asyncio.run(send())


def test_an_upload_goes_on_after_a_restart(place: EmbeddedPlace, tmp_path: Path) -> None:
    """The server may be killed in the middle of an upload: the client asks, and goes on."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 6, 600)
    answer = ask(place, "PUT", session.url, content=b"abc", headers={"Content-Range": "bytes 0-2/6"})
    assert answer.headers["range"] == "bytes=0-2"
    again = reopen(tmp_path)
    answer = ask(again, "PUT", session.url, headers={"Content-Range": "bytes */6"})
    assert (answer.status_code, answer.headers["range"]) == (308, "bytes=0-2")
    assert ask(again, "PUT", session.url, content=b"def", headers={"Content-Range": "bytes 3-5/6"}).status_code == 200
    assert again.objects.open("uploads", "a").read() == b"abcdef"
    assert again.queue.depth() == {"extract": 1}


def test_a_finished_upload_is_finished_once(place: EmbeddedPlace) -> None:
    """A client that did not hear the answer and sends everything again sets off one extraction."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 3, 600)
    answers = [ask(place, "PUT", session.url, content=b"abc") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[2].json()
    assert place.queue.depth() == {"extract": 1}


def test_an_empty_file_can_be_uploaded(place: EmbeddedPlace) -> None:
    """It is not a video, but that is for the extraction to say."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 0, 600)
    assert ask(place, "PUT", session.url, content=b"").status_code == 200
    assert place.place.objects.stat("uploads", "a")


def test_an_expired_session_takes_nothing(place: EmbeddedPlace, time: Clock) -> None:
    """An old upload link is refused with a sentence that says what to do."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 3, 600)
    assert session.expires_at - clock.now() <= timedelta(seconds=600)
    time.move(601)
    answer = ask(place, "PUT", session.url, content=b"abc")
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_expired")
    assert "new one" in answer.json()["detail"]
    assert place.place.objects.stat("uploads", "a") is None


def test_two_connections_of_one_client_cannot_mix_their_bytes(place: EmbeddedPlace) -> None:
    """A phone that resumes while its old connection still lingers gets the file right."""
    uploads = place.objects.uploads
    session = uploads.start("uploads", "a", "video/mp4", 400, 600, None)

    def send(_: int) -> None:
        offset = 0
        while offset < 400:
            try:
                offset = uploads.append(session.id, offset, bytes([offset % 251]) * 4).received
            except Conflict:
                now = uploads.find(session.id)
                assert now
                offset = now.received

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    expected = b"".join(bytes([offset % 251]) * 4 for offset in range(0, 400, 4))
    assert place.objects.open("uploads", "a").read() == expected
    assert place.queue.depth() == {"extract": 1}


def test_bytes_are_taken_only_where_the_last_ones_ended(place: EmbeddedPlace) -> None:
    """No byte is overwritten and none is left out."""
    uploads = place.objects.uploads
    session = uploads.start("uploads", "a", "video/mp4", 9, 600, None)
    assert uploads.append(session.id, 0, b"abc").received == 3
    for offset in (0, 2, 4):
        with pytest.raises(Conflict):
            uploads.append(session.id, offset, b"xyz")
    assert uploads.append(session.id, 3, b"def").received == 6


def test_nothing_is_written_into_a_finished_object(place: EmbeddedPlace) -> None:
    """A video that was checked cannot be changed through its upload link."""
    uploads = place.objects.uploads
    session = uploads.start("uploads", "a", "video/mp4", 3, 600, None)
    uploads.append(session.id, 0, b"abc")
    for offset in (0, 3):
        with pytest.raises(Conflict):
            uploads.append(session.id, offset, b"x")
    uploads.cancel(session.id)
    with pytest.raises(NotFound):
        uploads.append(session.id, 0, b"x")
    assert place.objects.open("uploads", "a").read() == b"abc"


def test_an_upload_that_is_collected_meanwhile_leaves_nothing(
    place: EmbeddedPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another process lets an upload expire during its last part, no object without bytes appears."""
    uploads, other = place.objects.uploads, reopen(tmp_path).objects.uploads
    session = uploads.start("uploads", "a", "video/mp4", 3, 600, None)
    write_at = BlobStore.write_at

    def write_and_lose(self: BlobStore, blob: str, offset: int, piece: bytes) -> None:
        write_at(self, blob, offset, piece)
        other.cancel(session.id)

    monkeypatch.setattr(BlobStore, "write_at", write_and_lose)
    with pytest.raises(NotFound):
        uploads.append(session.id, 0, b"abc")
    assert place.place.objects.stat("uploads", "a") is None
    assert not place.queue.depth()


def test_too_many_bytes_end_the_session(place: EmbeddedPlace, tmp_path: Path) -> None:
    """What was begun as a small file and turns out large leaves nothing on the disk."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 6, 600)
    ask(place, "PUT", session.url, content=b"abc", headers={"Content-Range": "bytes 0-2/6"})
    answer = ask(place, "PUT", session.url, content=b"defg", headers={"Content-Range": "bytes 3-6/7"})
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert ask(place, "PUT", session.url, headers={"Content-Range": "bytes */6"}).status_code == 404
    assert not [path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/storage/upload/x", 405),
        ("GET", "/storage/upload/x", 405),
        ("PUT", "/storage/upload/x", 404),
        ("GET", "/storage/else", 404),
        ("GET", "/storage/download/media/a", 403),
        ("GET", "/storage/download/media/..%2F..%2Fsigning.key", 403),
        ("GET", "/storage/download/media/../../signing.key", 404),
        ("PUT", "/storage/download/media/a", 405),
    ],
)
def test_every_refusal_is_a_problem_object(place: EmbeddedPlace, method: str, path: str, status: int) -> None:
    """Whatever a client does wrong, it gets a code and a sentence."""
    answer: httpx.Response = ask(place, method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "detail"}
    assert answer.json()["detail"].endswith(".")


def test_a_download_cannot_run_as_a_page(place: EmbeddedPlace) -> None:
    """HTML that someone uploaded as a video does no harm in a browser."""
    place.place.objects.put("media", "a", b"<script>", "text/html\r\nX-Evil: 1")
    answer = ask(place, "GET", place.place.objects.signed_url("media", "a", 60))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert "x-evil" not in answer.headers


def test_head_tells_what_get_would(place: EmbeddedPlace) -> None:
    """A client may ask for the size first."""
    place.place.objects.put("media", "a", b"12345", "image/jpeg")
    link = place.place.objects.signed_url("media", "a", 60)
    head, get = ask(place, "HEAD", link), ask(place, "GET", link)
    assert head.headers == get.headers
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=0-1,3-4", "bytes=x-y", "items=0-1", "bytes=3-1"])
def test_a_range_that_makes_no_sense_is_not_served_as_one(place: EmbeddedPlace, asked: str) -> None:
    """An odd client gets the whole, or is told that its range cannot be."""
    place.place.objects.put("media", "a", b"12345", "image/jpeg")
    link = place.place.objects.signed_url("media", "a", 60)
    answer = ask(place, "GET", link, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, b"12345") or answer.status_code == 416


def test_a_range_of_a_replaced_object_is_the_whole_new_one(place: EmbeddedPlace) -> None:
    """A player that goes on after the video changed does not mix two videos."""
    objects = place.place.objects
    objects.put("media", "a", b"12345", "video/mp4")
    link = objects.signed_url("media", "a", 60)
    etag = ask(place, "GET", link).headers["etag"]
    asked = {"Range": "bytes=2-", "If-Range": etag}
    assert ask(place, "GET", link, headers=asked).content == b"345"
    objects.put("media", "a", b"67890", "video/mp4")
    answer = ask(place, "GET", link, headers=asked)
    assert (answer.status_code, answer.content) == (200, b"67890")


def test_a_deleted_object_takes_its_unfinished_uploads_with_it(place: EmbeddedPlace) -> None:
    """The bytes that a user has sent so far are gone with the job, not when the session expires."""
    session = place.place.objects.start_upload("uploads", "a", "video/mp4", 6, 600)
    ask(place, "PUT", session.url, content=b"abc", headers={"Content-Range": "bytes 0-2/6"})
    place.place.objects.delete("uploads", "a")
    rest = ask(place, "PUT", session.url, content=b"def", headers={"Content-Range": "bytes 3-5/6"})
    assert rest.status_code in (404, 410)
    assert [path for path in (place.settings.clipwise_data / "blobs").rglob("*") if path.is_file()] == []
