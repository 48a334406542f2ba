"""Resumable uploads, as clients do them: over HTTP, at the session's URL, in Cloud Storage's protocol."""

from __future__ import annotations

import socket
import time
import tracemalloc
from urllib.parse import urlsplit

import httpx
import pytest

from shared.platform.ports import Objects, UploadSession
from tests.contract.adapters import Adapter
from tests.patience import PATIENCE_SEC

UPLOADS = "uploads"
UNIT = 256 * 1024
"""Cloud Storage takes parts, but for the last, in multiples of this many bytes."""

CONTENT = bytes(range(256)) * 1024 * 3 + b"the end"


@pytest.fixture
def session(objects: Objects, fresh: str) -> UploadSession:
    return objects.start_upload(UPLOADS, fresh, "video/mp4", len(CONTENT), 600)


def put(session: UploadSession, content: bytes = b"", content_range: str | None = None) -> httpx.Response:
    headers = session.headers | ({"Content-Range": content_range} if content_range else {})
    return httpx.request(session.method, session.url, content=content, headers=headers)


def part(session: UploadSession, start: int, end: int) -> httpx.Response:
    return put(session, CONTENT[start:end], f"bytes {start}-{end - 1}/{len(CONTENT)}")


def status(session: UploadSession) -> httpx.Response:
    return put(session, content_range=f"bytes */{len(CONTENT)}")


def stored(objects: Objects, name: str) -> bytes | None:
    if objects.stat(UPLOADS, name) is None:
        return None
    with objects.open(UPLOADS, name) as source:
        return source.read()


def test_a_whole_file_in_one_request(adapter: Adapter, objects: Objects, fresh: str, session: UploadSession) -> None:
    """A client that just sends the file is done, and its extraction is set off."""
    assert stored(objects, fresh) is None
    answer = put(session, CONTENT)
    assert answer.status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT
    info = objects.stat(UPLOADS, fresh)
    assert info is not None
    assert (info.content_type, info.size) == ("video/mp4", len(CONTENT))
    resource = answer.json()
    assert (resource["name"], resource["size"], resource["generation"]) == (fresh, str(info.size), str(info.generation))
    while (event := adapter.receive("extract")).data["name"] != fresh:
        pass
    assert event.data["size"] == str(len(CONTENT))


def test_a_file_in_parts(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A phone that sends one part after the other sees how far it is, and the video appears with the last part."""
    answer = part(session, 0, UNIT)
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    answer = part(session, UNIT, 2 * UNIT)
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert stored(objects, fresh) is None
    answer = part(session, 2 * UNIT, len(CONTENT))
    assert answer.status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT


def test_asking_how_much_is_there(session: UploadSession) -> None:
    """A client that lost count asks: before the first byte, between, and after the last."""
    answer = status(session)
    assert answer.status_code == 308
    assert "range" not in answer.headers
    part(session, 0, UNIT)
    answer = status(session)
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    answer = put(session, content_range="bytes */*")
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    part(session, UNIT, len(CONTENT))
    answer = status(session)
    assert answer.status_code in (200, 201)
    assert answer.json()["size"] == str(len(CONTENT))


def test_a_part_sent_again_does_no_harm(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A client that missed an answer sends the part once more, or one that overlaps, and the file is right."""
    part(session, 0, UNIT)
    part(session, 0, UNIT)
    answer = part(session, 0, 2 * UNIT)
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{2 * UNIT - 1}")
    part(session, UNIT, len(CONTENT))
    assert part(session, UNIT, len(CONTENT)).status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT


def test_an_interrupted_upload_goes_on_where_it_stopped(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A train goes into a tunnel in the middle of a part; nothing that arrived needs to be sent again."""
    address = urlsplit(session.url)
    with socket.create_connection((address.hostname, address.port or 443)) as connection:
        head = (
            f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Length: {len(CONTENT)}\r\n\r\n"
        )
        connection.sendall(head.encode() + CONTENT[: 2 * UNIT])
    deadline = time.monotonic() + PATIENCE_SEC
    # The server learns of the broken connection when it does.
    while status(session).headers.get("range") != f"bytes=0-{2 * UNIT - 1}":
        assert time.monotonic() < deadline
    assert stored(objects, fresh) is None
    assert part(session, 2 * UNIT, len(CONTENT)).status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT


def test_a_connection_that_hangs_holds_up_no_other(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A phone that changes its network, and whose old connection the server still believes in, resumes at once."""
    address = urlsplit(session.url)
    with socket.create_connection((address.hostname, address.port or 443)) as connection:
        head = (
            f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Length: {len(CONTENT)}\r\n\r\n"
        )
        connection.sendall(head.encode() + CONTENT[:UNIT])
        assert status(session).status_code == 308
        assert put(session, CONTENT).status_code in (200, 201)
        assert stored(objects, fresh) == CONTENT


def test_a_part_beyond_a_gap_is_not_taken(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A client that skipped something is told where to go on, and no hole comes into the file."""
    part(session, 0, UNIT)
    answer = part(session, 2 * UNIT, len(CONTENT))
    assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
    assert part(session, UNIT, len(CONTENT)).status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT


@pytest.mark.parametrize("way", range(3), ids=["whole", "range", "chunked"])
def test_more_bytes_than_announced_are_refused(objects: Objects, fresh: str, way: int) -> None:
    """Who was allowed a small file cannot send a large one, in whichever way; nothing of it is kept."""
    session = objects.start_upload(UPLOADS, fresh, "video/mp4", len(CONTENT), 600)
    answer = [
        lambda: put(session, CONTENT + b"x"),
        lambda: put(session, CONTENT + b"x", f"bytes 0-{len(CONTENT)}/{len(CONTENT) + 1}"),
        lambda: httpx.put(session.url, content=iter([CONTENT, b"x"])),
    ][way]()
    assert answer.status_code in (400, 413)
    assert stored(objects, fresh) is None


def test_fewer_bytes_than_announced_are_not_a_file(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A file cut short by its sender does not pass for the whole."""
    assert put(session, CONTENT[:-1]).status_code in (308, 400)
    assert put(session, CONTENT[:5], f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}").status_code in (308, 400)
    assert stored(objects, fresh) is None


@pytest.mark.parametrize("content_range", ["bytes", "bytes 5-1/10", "bytes a-b/c", "items 0-1/2", "bytes -5-3/7"])
def test_a_broken_range_is_refused(objects: Objects, fresh: str, session: UploadSession, content_range: str) -> None:
    """A faulty client gets a clear error, and the upload can go on."""
    assert put(session, CONTENT[:5], content_range).status_code == 400
    assert put(session, CONTENT).status_code in (200, 201)
    assert stored(objects, fresh) == CONTENT


def test_a_cancelled_upload_is_gone(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A user who thinks better of it leaves nothing behind."""
    part(session, 0, UNIT)
    assert httpx.delete(session.url).status_code == 499
    assert part(session, UNIT, len(CONTENT)).status_code in (404, 410, 499)
    assert stored(objects, fresh) is None


def test_a_made_up_session_is_not_found(session: UploadSession) -> None:
    """Uploading needs the very URL that was given."""
    address = urlsplit(session.url)
    wrong = (
        address._replace(path=address.path[:-1] + "-")
        if not address.query
        else address._replace(query=address.query[:-1] + "-")
    )
    assert httpx.put(wrong.geturl(), content=CONTENT).status_code in (400, 404, 410)


def test_an_upload_replaces_what_the_name_stood_for(objects: Objects, fresh: str, session: UploadSession) -> None:
    """A second upload to the same place takes the first one's place, whole."""
    objects.put(UPLOADS, fresh, b"old", "text/plain")
    part(session, 0, UNIT)
    assert stored(objects, fresh) == b"old"
    part(session, UNIT, len(CONTENT))
    assert stored(objects, fresh) == CONTENT


def test_a_browser_of_the_given_origin_may_upload(objects: Objects, fresh: str) -> None:
    """A web page uploads straight to storage: its preflight passes, and it may read how far it is."""
    origin = "https://shop.example"
    session = objects.start_upload(UPLOADS, fresh, "video/mp4", len(CONTENT), 600, origin)
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-range",
    }
    preflight = httpx.options(session.url, headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "content-range" in preflight.headers["access-control-allow-headers"].lower()
    range_ = f"bytes 0-{UNIT - 1}/{len(CONTENT)}"
    answer = httpx.put(session.url, content=CONTENT[:UNIT], headers={"Origin": origin, "Content-Range": range_})
    assert answer.status_code == 308
    assert answer.headers["access-control-allow-origin"] == origin
    assert "range" in answer.headers["access-control-expose-headers"].lower()


def test_a_browser_of_another_origin_may_not(adapter: Adapter, objects: Objects, fresh: str) -> None:
    """A foreign web page is not let in."""
    session = objects.start_upload(UPLOADS, fresh, "video/mp4", 5, 600, adapter.frontend)
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(session.url, headers=asked)
    assert answer.headers.get("access-control-allow-origin") is None


def test_a_large_upload_takes_little_memory(objects: Objects, fresh: str) -> None:
    """The size of a video does not matter to the server's memory."""
    size = 48 * 1024 * 1024
    session = objects.start_upload(UPLOADS, fresh, "video/mp4", size, 600)
    piece = b"v" * UNIT
    tracemalloc.start()
    answer = httpx.put(
        session.url,
        content=(piece for _ in range(size // UNIT)),
        headers={"Content-Length": str(size)},
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code in (200, 201)
    assert peak < 16 * 1024 * 1024
    info = objects.stat(UPLOADS, fresh)
    assert info is not None
    assert info.size == size
