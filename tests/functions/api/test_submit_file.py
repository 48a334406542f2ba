"""POST /v1/jobs with a file."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from shared import clock
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.sweep import sweep
from tests.api_site import MP4, Site

BOUNDARY = "b0undary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_a_file_becomes_a_job_and_its_bytes_are_stored(site: Site) -> None:
    """Who sends a file gets a job, and the pipeline gets exactly the bytes that were sent."""
    answer = site.send(MP4, kind="recipe", name="soup.mp4")

    job = answer.json()
    assert answer.status_code == 202
    assert (job["filename"], job["upload"]["state"]) == ("soup.mp4", "received")
    assert list(job["stages"]) == ["extract", "transcribe", "analyze", "persist"]
    with site.place.place.objects.open(UPLOADS, source_name(job["id"])) as stored:
        assert stored.read() == MP4
    assert site.place.queue.depth() == {"extract": 1}


def test_the_content_type_comes_from_the_content(site: Site) -> None:
    """What the client calls a file does not matter: the job has the type of the bytes."""
    files = {"file": ("song.mp3", MP4, "audio/mpeg")}
    job = site.client.post("/v1/jobs", files=files, data={"kind": "metadata"}).json()

    assert job["video"]["contentType"] == "video/mp4"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\videos\\soup.mp4", "soup.mp4"),
        ("Борщ 🍲.mp4", "Борщ 🍲.mp4"),
        ("ab\u202e4pm.exe", "ab4pm.exe"),
        ("x" * 500 + ".mp4", "x" * 196 + ".mp4"),
        ("..", None),
    ],
)
def test_file_names_are_only_shown(site: Site, sent: str, shown: str | None) -> None:
    """Names in any script are shown as they are; those with tricks lose the tricks and never become paths."""
    answer = site.send(name=sent)

    assert answer.status_code == 202, answer.text
    assert answer.json()["filename"] == shown


def test_fields_beside_the_file(site: Site) -> None:
    """Language and options go with a file as they go with a link."""
    fields = {"kind": "recipe", "language": "de-at", "options": '{"servings": 2}'}
    job = site.client.post("/v1/jobs", files={"file": ("a.mp4", MP4)}, data=fields).json()

    assert (job["language"], job["options"]) == ("de-AT", {"servings": 2})


def test_the_largest_file_and_one_byte_more(site: Site) -> None:
    """A file of exactly the limit is taken; one byte more is too large."""
    assert site.send(MP4.ljust(1_000_000, b"\0")).status_code == 202

    answer = site.send(MP4.ljust(1_000_001, b"\0"))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert len(site.jobs()) == 1


def parts(pieces: int, size: int = 65536) -> Iterator[bytes]:
    """A form with a file, sent without a length."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    yield head.encode() + MP4
    for _ in range(pieces):
        yield bytes(size)
    yield (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nmetadata\r\n--{BOUNDARY}--\r\n'
    ).encode()


def test_a_length_over_the_limit_is_refused_before_a_byte_is_read(site: Site) -> None:
    """Who announces too much need not send it."""
    connection = HTTPConnection(httpx.URL(site.url).netloc.decode())
    connection.putrequest("POST", "/v1/jobs")
    for name, value in (FORM | {"Content-Length": str(10**12)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    with connection.getresponse() as answer:
        assert (answer.status, json.load(answer)["code"]) == (413, "too_large")
    connection.close()


def test_who_sends_too_much_all_the_same_gets_the_answer(site: Site) -> None:
    """A client that sends its whole file before it listens is not cut off in the middle."""
    answer = site.send(MP4.ljust(8_000_000, b"\0"))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert site.client.get("/healthz").status_code == 200


def test_a_body_without_a_length_is_cut_off(site: Site) -> None:
    """A body that never ends is not read to its end."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for part in parts(10_000):
            sent += len(part)
            yield part

    answer = site.client.post("/v1/jobs", content=endless(), headers=FORM)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert sent < 100_000_000
    assert site.blobs() == []
    assert list(site.temporary.iterdir()) == []


def test_memory_stays_flat(site: Site) -> None:
    """A file of 40 MB passes through a few megabytes of memory."""
    site.configure(API_MAX_FILE_SIZE_MB="100")
    tracemalloc.start()
    try:
        answer = site.client.post("/v1/jobs", content=parts(640), headers=FORM)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert answer.status_code == 202, answer.text
    assert answer.json()["upload"]["size"] == 640 * 65536 + len(MP4)
    assert peak < 8_000_000


def break_storage(monkeypatch: pytest.MonkeyPatch, site: Site, *, after: bool = False) -> None:
    objects = type(site.place.place.objects)
    put = objects.put

    def broken(self: Any, *args: Any, **kwargs: Any) -> Any:
        if after:
            put(self, *args, **kwargs)
        raise OSError("No space left on device: /var/data")

    monkeypatch.setattr(objects, "put", broken)


def test_when_storing_fails_nothing_is_left(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told at once as something that passes, and leaves no job that waits for ever."""
    with monkeypatch.context() as broken:
        break_storage(broken, site)
        answer = site.send(**{"Idempotency-Key": "one"})

    assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")
    assert "/var/data" not in answer.text
    assert site.jobs() == []
    assert site.send(**{"Idempotency-Key": "one"}).status_code == 202
    assert len(site.jobs()) == 1


def test_when_only_the_answer_of_the_storage_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that did arrive are not thrown away because storing them was reported as failed."""
    with monkeypatch.context() as broken:
        break_storage(broken, site, after=True)
        answer = site.send()

    assert answer.status_code == 202
    assert site.place.queue.depth() == {"extract": 1}


def test_when_the_server_dies_before_the_bytes_are_stored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose bytes never came fails with a reason soon, and does not wait for a day."""
    with monkeypatch.context() as dead:
        break_storage(dead, site)
        dead.setattr(lifecycle, "delete_job_records", lambda *_: None)
        site.send()
    (job,) = site.jobs()
    assert job["upload"]["state"] == "waiting"

    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    sweep(site.place.place)

    (job,) = site.jobs()
    assert (job["status"], job["upload"]["state"], job["error"]["code"]) == ("failed", "expired", "upload_expired")


def test_a_retry_with_the_key_brings_the_bytes_of_a_dead_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server died before it had stored the bytes, the same request again completes the same job."""
    with monkeypatch.context() as dead:
        break_storage(dead, site)
        dead.setattr(lifecycle, "delete_job_records", lambda *_: None)
        site.send(**{"Idempotency-Key": "one"})
    (waiting,) = site.jobs()

    answer = site.send(**{"Idempotency-Key": "one"})

    assert (answer.status_code, answer.json()["id"]) == (202, waiting["id"])
    assert site.place.queue.depth() == {"extract": 1}


def test_twenty_at_once_with_one_key(site: Site) -> None:
    """Twenty copies of one upload are one job with one stored file."""
    together = threading.Barrier(20)

    def send(_: int) -> str:
        together.wait()
        answer = site.send(**{"Idempotency-Key": "tap"})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(send, range(20)))

    assert len(ids) == len(site.jobs()) == len(site.blobs()) == 1
    assert site.place.queue.depth() == {"extract": 1}


def test_a_key_with_another_file_is_refused(site: Site) -> None:
    """The bytes are part of the request that a key stands for."""
    site.send(MP4, **{"Idempotency-Key": "one"})
    answer = site.send(MP4 + b"!", **{"Idempotency-Key": "one"})

    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")


def test_the_same_file_twice_without_a_key_is_two_jobs(site: Site) -> None:
    """Without a key nothing says that the second upload is not meant."""
    assert site.send().json()["id"] != site.send().json()["id"]


def test_a_job_deleted_while_its_bytes_are_stored_leaves_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting wins over a storing that is under way."""
    objects = type(site.place.place.objects)
    put = objects.put

    def put_late(self: Any, *args: Any, **kwargs: Any) -> Any:
        (job,) = site.jobs()
        site.client.delete(f"/v1/jobs/{job['id']}")
        return put(self, *args, **kwargs)

    monkeypatch.setattr(objects, "put", put_late)
    answer = site.send()

    assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")
    assert site.jobs() == []
    assert site.blobs() == []
