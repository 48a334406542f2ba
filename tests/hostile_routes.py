"""What the hostile server does, path by path; any path from /300 to /599 answers with that status."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile_server import Connection

MP4_HEAD = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def video(size: int = 100_000) -> bytes:
    """Bytes that begin as an MP4 file and differ at every place that a wrong resumption could mix up."""
    return (MP4_HEAD + b"".join(struct.pack(">I", number) for number in range(size // 4 + 1)))[:size]


Route = Callable[["Connection"], None]
ROUTES: dict[str, Route] = {}


def route(path: str) -> Callable[[Route], Route]:
    def register(function: Route) -> Route:
        ROUTES[path] = function
        return function

    return register


def not_found(connection: Connection) -> None:
    connection.answer(b"<html>not here</html>", 404, Content_Type="text/html")


@route("/ok.mp4")
def ok(connection: Connection) -> None:
    connection.answer(video(), Content_Type="video/mp4")


@route("/named")
def named(connection: Connection) -> None:
    """The Content-Disposition of the query."""
    connection.answer(video(), Content_Disposition=connection.received.query["disposition"])


@route("/redirect")
def redirect(connection: Connection) -> None:
    """To the address of the query, with a cookie."""
    connection.answer(status=302, Location=connection.received.query["to"], Set_Cookie="id=1; Path=/")


@route("/redirect-loop")
def redirect_loop(connection: Connection) -> None:
    connection.answer(status=301, Location="/redirect-loop")


@route("/redirect-nowhere")
def redirect_nowhere(connection: Connection) -> None:
    connection.answer(status=307)


@route("/redirects")
def redirects(connection: Connection) -> None:
    """As many more as the query says, then a video."""
    left = int(connection.received.query["left"])
    connection.answer(status=302, Location=f"/redirects?left={left - 1}" if left else "/ok.mp4")


@route("/silent")
def silent(connection: Connection) -> None:
    """Takes the request and never answers."""
    connection.hold()


@route("/slow-headers")
def slow_headers(connection: Connection) -> None:
    """Slow-loris: never idle, never done."""
    connection.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 10_000, 0.02)


@route("/endless-hints")
def endless_hints(connection: Connection) -> None:
    """Announces an answer for ever; never silent, never done."""
    while not connection.server.closing.is_set():
        connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@route("/slow")
def slow(connection: Connection) -> None:
    """A body that trickles."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    connection.drip(video(), 0.02)


@route("/stalled")
def stalled(connection: Connection) -> None:
    """Half a body, then silence."""
    connection.answer(video()[:50_000], length=100_000)
    connection.hold()


@route("/endless")
def endless(connection: Connection) -> None:
    """No length, no end."""
    connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + video())
    while not connection.server.closing.is_set():
        connection.send(bytes(65536))


@route("/chunked")
def chunked(connection: Connection) -> None:
    body = video()
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(body), 10_000):
        connection.send(b"2710\r\n" + body[start : start + 10_000] + b"\r\n")
    connection.send(b"0\r\n\r\n")


@route("/chunked-short")
def chunked_short(connection: Connection) -> None:
    """Ends in the middle of a chunk."""
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + video(1000))


@route("/chunked-endless")
def chunked_endless(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + video(65536) + b"\r\n"
    while not connection.server.closing.is_set():
        connection.send(chunk)


@route("/huge")
def huge(connection: Connection) -> None:
    """Announces more than anyone takes, and sends none of it."""
    connection.answer(length=10**12)
    connection.hold()


@route("/gzip-bomb")
def gzip_bomb(connection: Connection) -> None:
    """Compressed although nobody asked for it: small here, large there."""
    connection.answer(gzip.compress(video() + bytes(20_000_000)), Content_Encoding="gzip")


@route("/two-encodings")
def two_encodings(connection: Connection) -> None:
    """Compressed, and then said not to be."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: identity\r\n\r\n"
    connection.send(head + gzip.compress(video()))


@route("/short")
def short(connection: Connection) -> None:
    """Less than announced, and no ranges."""
    connection.answer(video()[:50_000], length=100_000)


@route("/reset")
def reset(connection: Connection) -> None:
    """Breaks the connection in the middle of the body."""
    connection.answer(video()[:50_000], length=100_000)
    connection.reset()


@route("/reset-at-once")
def reset_at_once(connection: Connection) -> None:
    connection.reset()


@route("/closed-at-once")
def closed_at_once(connection: Connection) -> None:
    """Reads the request and hangs up."""


@route("/not-http")
def not_http(connection: Connection) -> None:
    connection.send(b"220 mail.example.com ESMTP ready\r\n")


@route("/huge-headers")
def huge_headers(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 1_000_000 + b"\r\n\r\n")


@route("/two-lengths")
def two_lengths(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 100000\r\n\r\n" + video())


@route("/range")
def ranges(connection: Connection) -> None:
    """Supports ranges; breaks off every answer 40 000 bytes in."""
    _ranges(connection, video(), '"one"', 40_000)


@route("/range-broken")
def range_broken(connection: Connection) -> None:
    """Supports ranges, but sends no more than ten bytes each time."""
    _ranges(connection, video(), '"one"', 10)


@route("/range-changed")
def range_changed(connection: Connection) -> None:
    """Another, shorter file from the second request on; honest about it."""
    first = len(connection.server.asked("/range-changed")) == 1
    body = video() if first else video(50_000)
    _ranges(connection, body, f'"{len(body)}"', 60_000)


@route("/range-less")
def range_less(connection: Connection) -> None:
    """Supports ranges, but what it gives of the rest is a part, and complete in itself."""
    if "range" not in connection.received.headers:
        return _ranges(connection, video(), '"one"', 40_000)
    return connection.answer(video()[40_000:50_000], 206, Content_Range="bytes 40000-49999/100000")


@route("/range-endless-number")
def range_endless_number(connection: Connection) -> None:
    """Asked for a range, gives one whose start is too long a number for Python."""
    if "range" not in connection.received.headers:
        return _ranges(connection, video(), '"one"', 40_000)
    return connection.answer(video()[:100], 206, Content_Range=f"bytes {'9' * 6000}-99/100000")


@route("/range-odd-etag")
def range_odd_etag(connection: Connection) -> None:
    """Supports ranges, for a validator with letters that headers should not have."""
    headers = connection.received.headers
    headers |= {"if-range": headers["if-range"].encode("latin-1").decode()} if "if-range" in headers else {}
    _ranges(connection, video(), '"größe"', 60_000)


@route("/range-elsewhere")
def range_elsewhere(connection: Connection) -> None:
    """Asked for a range, gives another one."""
    if "range" not in connection.received.headers:
        return _ranges(connection, video(), '"one"', 40_000)
    return connection.answer(video()[:100], 206, Content_Range="bytes 0-99/100000")


def _ranges(connection: Connection, body: bytes, etag: str, cut: int) -> None:
    headers = connection.received.headers
    start, code, extra = 0, 200, {}
    if "range" in headers and headers.get("if-range") in (None, etag):
        start, code = int(headers["range"].removeprefix("bytes=").removesuffix("-")), 206
        extra = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
    rest = body[start:]
    connection.answer(rest[:cut], code, len(rest), Accept_Ranges="bytes", ETag=etag, **extra)


@route("/html")
def html(connection: Connection) -> None:
    connection.answer(b"<!DOCTYPE html>\n<html><title>A page</title></html>", Content_Type="text/html")


@route("/html-as-mp4.mp4")
def html_as_mp4(connection: Connection) -> None:
    """A page under a false flag."""
    connection.answer(b"\n <html><body>Log in first</body></html>", Content_Type="video/mp4")


@route("/html-gzipped")
def html_gzipped(connection: Connection) -> None:
    connection.answer(gzip.compress(b"<html></html>"), Content_Type="text/html", Content_Encoding="gzip")


@route("/wrong-type")
def wrong_type(connection: Connection) -> None:
    """A picture that is called a video."""
    connection.answer(PNG_HEAD + bytes(5000), Content_Type="video/mp4")


@route("/modest-type")
def modest_type(connection: Connection) -> None:
    """A video that is called nothing in particular."""
    connection.answer(video(), Content_Type="text/plain")


@route("/empty")
def empty(connection: Connection) -> None:
    connection.answer(Content_Type="video/mp4")


@route("/playlist.m3u8")
def playlist(connection: Connection) -> None:
    """A list of files to open, disguised as one."""
    connection.answer(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", Content_Type="video/mp4")


@route("/concat.mp4")
def concat(connection: Connection) -> None:
    connection.answer(b"ffconcat version 1.0\nfile /etc/passwd\n", Content_Type="video/mp4")


@route("/unasked-range")
def unasked_range(connection: Connection) -> None:
    """A part that nobody asked for."""
    connection.answer(video()[:100], 206, Content_Range="bytes 0-99/100000")


def answering(code: int) -> Route:
    """A status, with a body that could pass for a video."""

    def respond(connection: Connection) -> None:
        connection.answer(video(1000), code, Retry_After="3600")

    return respond


ROUTES |= {f"/{code}": answering(code) for code in range(300, 600)}
