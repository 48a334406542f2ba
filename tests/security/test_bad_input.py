"""Everything that should not be sent, sent: each gets a clear error with a code, and does no harm.

Tables: requests, links, forms and contents that are refused at once, links whose servers misbehave, and files that only
look into shows for what they are.
"""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.pipeline.sweep import sweep
from tests import media_samples as samples
from tests.api_site import MP4, Site, api_server, empty_data, site
from tests.hostile_server import HostileServer

__all__ = ["api_server", "empty_data", "site"]

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
LINK = {"url": "https://example.com/a.mp4", "kind": "metadata"}


def link(**changed: Any) -> dict[str, Any]:
    return {"json": LINK | changed}


def file(content: bytes = MP4, name: str = "a.mp4", field: str = "file", **fields: str) -> dict[str, Any]:
    return {"files": {field: (name, content)}, "data": {"kind": "metadata"} | fields}


def raw(content: bytes | str, headers: dict[str, str] = JSON) -> dict[str, Any]:
    return {"content": content, "headers": headers}


def part(head: str, body: bytes = b"") -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n"


KIND = part('name="kind"', b"metadata")
END = b"--b--\r\n"

BODIES: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({}, 415, "unsupported_body"),
    "an empty JSON body": (raw(""), 400, "bad_json"),
    "text that is not JSON": (raw("url=https://example.com"), 400, "bad_json"),
    "JSON that breaks off": (raw('{"url": "https://exa'), 400, "bad_json"),
    "JSON nested 60 000 deep": (raw("[" * 60_000), 400, "bad_json"),
    "JSON in another encoding": (raw(json.dumps(LINK).encode("utf-16")), 400, "bad_json"),
    "half a surrogate pair": (raw('{"url": "\\ud800", "kind": "metadata"}'), 400, "bad_json"),
    "a list instead of an object": (raw("[]"), 422, "invalid_request"),
    "JSON of a megabyte": (raw(b" " * 1_000_000), 413, "too_large"),
    "a form that is not multipart": ({"data": LINK}, 415, "unsupported_body"),
    "plain text": (raw("hello", {"Content-Type": "text/plain"}), 415, "unsupported_body"),
    "no link": ({"json": {"kind": "metadata"}}, 422, "invalid_request"),
    "no kind": ({"json": {"url": LINK["url"]}}, 422, "invalid_request"),
    "an unknown kind": (link(kind="poem"), 422, "unknown_kind"),
    "an unknown field": (link(webhook="http://evil.example"), 422, "invalid_request"),
    "a number for a link": (link(url=5), 422, "invalid_request"),
    "a language that is none": (link(language="Klingon!"), 422, "invalid_request"),
    "a language without end": (link(language="en" + "-x-abcdefgh" * 1000), 422, "invalid_request"),
    "options that are a list": (link(options=[1]), 422, "invalid_request"),
    "options inside options": (link(options={"a": {"b": 1}}), 422, "invalid_request"),
    "a number too large to store": (link(options={"a": 2**64}), 422, "invalid_request"),
    "a number that is none": (
        raw('{"url": "https://x.org", "kind": "metadata", "options": {"a": NaN}}'),
        422,
        "invalid_request",
    ),
    "a hundred options": (link(options={str(n): n for n in range(100)}), 422, "invalid_request"),
    "an empty key": (link() | {"headers": {"Idempotency-Key": ""}}, 422, "invalid_request"),
    "a key that is too long": (link() | {"headers": {"Idempotency-Key": "k" * 256}}, 422, "invalid_request"),
}

LINKS: dict[str, tuple[str, str]] = {
    "no link at all": ("", "url_invalid"),
    "words": ("my video", "url_invalid"),
    "no host": ("https:///a.mp4", "url_invalid"),
    "a link of 60 000 letters": ("https://example.com/" + "a" * 60_000, "url_invalid"),
    "a line break inside": ("https://example.com/\r\nHost: internal", "url_invalid"),
    "a zero byte inside": ("https://example.com/\0.mp4", "url_invalid"),
    "a local file": ("file:///etc/passwd", "url_not_allowed"),
    "FTP": ("ftp://example.com/a.mp4", "url_not_allowed"),
    "a script": ("javascript:alert(1)", "url_not_allowed"),
    "a data URL": ("data:video/mp4;base64,AAAA", "url_not_allowed"),
    "a protocol of ffmpeg": ("concat:/etc/passwd|/etc/shadow", "url_not_allowed"),
    "a password": ("https://user:secret@example.com/a.mp4", "url_not_allowed"),
    "this machine by name": ("http://localhost/a.mp4", "url_not_allowed"),
    "this machine": ("http://127.0.0.1:8080/v1/jobs", "url_not_allowed"),
    "this machine in IPv6": ("http://[::1]/a.mp4", "url_not_allowed"),
    "this machine as one number": ("http://2130706433/a.mp4", "url_not_allowed"),
    "this machine in octal": ("http://0177.0.0.1/a.mp4", "url_not_allowed"),
    "this machine in hexadecimal": ("http://0x7f.1/a.mp4", "url_not_allowed"),
    "this machine as IPv4 in IPv6": ("http://[::ffff:127.0.0.1]/a.mp4", "url_not_allowed"),
    "no address": ("http://0.0.0.0/a.mp4", "url_not_allowed"),
    "a private network": ("http://10.0.0.1/a.mp4", "url_not_allowed"),
    "another private network": ("http://192.168.1.1/a.mp4", "url_not_allowed"),
    "link-local": ("http://169.254.1.1/a.mp4", "url_not_allowed"),
    "link-local with a zone": ("http://[fe80::1%25eth0]/a.mp4", "url_not_allowed"),
    "unique local": ("http://[fd00:ec2::254]/a.mp4", "url_not_allowed"),
    "a private address through NAT64": ("http://[64:ff9b::10.0.0.1]/a.mp4", "url_not_allowed"),
    "a private address through 6to4": ("http://[2002:a00:1::]/a.mp4", "url_not_allowed"),
    "the cloud's metadata": ("http://169.254.169.254/computeMetadata/v1/", "url_not_allowed"),
    "the cloud's metadata by name": ("http://metadata.google.internal/", "url_not_allowed"),
    "a mail server": ("http://example.com:25/a.mp4", "url_not_allowed"),
    "a port that is none": ("http://example.com:99999/a.mp4", "url_invalid"),
}

FORMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "a form without a boundary": (raw(b"x", {"Content-Type": "multipart/form-data"}), 400, "bad_form"),
    "a form that is noise": (raw(b"\0\xff" * 500, FORM), 400, "bad_form"),
    "an empty form": (raw(END, FORM), 422, "invalid_request"),
    "a form that breaks off": (raw(KIND + part('name="file"; filename="a"', MP4)[:-10], FORM), 422, "invalid_request"),
    "a part without a name": (raw(part("filename=a", MP4) + END, FORM), 400, "bad_form"),
    "a charset that is none": (
        raw(KIND + END, {"Content-Type": "multipart/form-data; boundary=b; charset=zlib"}),
        422,
        "invalid_request",
    ),
    "a charset that fails": (
        raw(KIND + END, {"Content-Type": "multipart/form-data; boundary=b; charset=undefined"}),
        400,
        "bad_form",
    ),
    "no file": (raw(KIND + END, FORM), 422, "invalid_request"),
    "a file input left empty": (raw(KIND + part('name="file"; filename=""') + END, FORM), 422, "invalid_request"),
    "a file in the wrong field": (file(field="video"), 422, "invalid_request"),
    "a file as text": (raw(KIND + part('name="file"', MP4) + END, FORM), 422, "invalid_request"),
    "two files": (
        raw(KIND + part('name="file"; filename="a"', MP4) + part('name="x"; filename="b"', MP4) + END, FORM),
        400,
        "bad_form",
    ),
    "a hundred fields": (raw(KIND * 100 + END, FORM), 400, "bad_form"),
    "a field without end": (raw(part('name="kind"', b"m" * 200_000) + END, FORM), 400, "bad_form"),
    "a file and a link": (file(url="https://example.com/a.mp4"), 422, "invalid_request"),
    "a file of an unknown kind": (file(kind="poem"), 422, "unknown_kind"),
    "options that are not JSON": (file(options="{servings: 2}"), 422, "invalid_request"),
    "options nested without end": (file(options="[" * 50_000), 422, "invalid_request"),
    "a file that is too large": (file(MP4.ljust(1_000_001, b"\0")), 413, "too_large"),
}

CONTENTS: dict[str, tuple[bytes, int, str]] = {
    "an empty file": (b"", 422, "empty_file"),
    "text": (b"This is not a video.\n" * 100, 415, "unsupported_media"),
    "an HTML page": (b"<!doctype html><html><title>Log in</title></html>", 415, "unsupported_media"),
    "an HLS playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415, "unsupported_media"),
    "a DASH playlist": (b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>', 415, "unsupported_media"),
    "an ffmpeg script": (b"ffconcat version 1.0\nfile /etc/passwd\n", 415, "unsupported_media"),
    "a subtitle file": (b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n", 415, "unsupported_media"),
    "an SVG picture": (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', 415, "unsupported_media"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), 415, "unsupported_media"),
    "a gzip bomb": (gzip.compress(bytes(10_000_000)), 415, "unsupported_media"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(500), 415, "unsupported_media"),
    "a PDF document": (b"%PDF-1.7\n" + bytes(500), 415, "unsupported_media"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(500), 415, "unsupported_media"),
    "zero bytes": (bytes(5000), 415, "unsupported_media"),
    "one byte": (b"\xff", 415, "unsupported_media"),
}

# Path at the hostile server, seconds that a download may take, code of the job's error.
SERVERS: dict[str, tuple[str, float, str]] = {
    "nothing there": ("/404", 20, "source_not_found"),
    "gone": ("/410", 20, "source_not_found"),
    "forbidden": ("/403", 20, "source_forbidden"),
    "a server in trouble": ("/500", 20, "source_unavailable"),
    "a server that hangs up": ("/closed-at-once", 20, "source_unavailable"),
    "a server that resets": ("/reset-at-once", 20, "source_unavailable"),
    "another protocol": ("/not-http", 20, "source_unavailable"),
    "headers of a megabyte": ("/huge-headers", 20, "source_unavailable"),
    "a server that never answers": ("/silent", 0.3, "source_slow"),
    "headers that trickle": ("/slow-headers", 0.3, "source_slow"),
    "a body that trickles": ("/slow", 0.3, "source_slow"),
    "half a body, then silence": ("/stalled", 0.3, "source_slow"),
    "less than announced": ("/short", 20, "source_incomplete"),
    "an endless body": ("/endless", 20, "too_large"),
    "an endless body in chunks": ("/chunked-endless", 20, "too_large"),
    "a terabyte announced": ("/huge", 20, "too_large"),
    "a gzip bomb": ("/gzip-bomb", 20, "source_encoded"),
    "an HTML page": ("/html", 20, "not_media"),
    "an HTML page called a video": ("/html-as-mp4.mp4", 20, "not_media"),
    "a picture called a video": ("/wrong-type", 20, "unsupported_media"),
    "a playlist called a video": ("/playlist.m3u8", 20, "unsupported_media"),
    "an ffmpeg script called a video": ("/concat.mp4", 20, "unsupported_media"),
    "an empty answer": ("/empty", 20, "empty_file"),
    "a redirect to the cloud's metadata": ("/redirect?to=http://169.254.169.254/", 20, "url_not_allowed"),
    "a redirect to this machine": ("/redirect?to=http://127.0.0.1:9/", 20, "url_not_allowed"),
    "a redirect to a private network": ("/redirect?to=http://10.0.0.1/", 20, "url_not_allowed"),
    "a redirect through NAT64": ("/redirect?to=http://[64:ff9b::10.0.0.1]/", 20, "url_not_allowed"),
    "a redirect to a file": ("/redirect?to=file:///etc/passwd", 20, "url_not_allowed"),
    "redirects in a circle": ("/redirect-loop", 20, "source_redirects"),
    "a redirect to nowhere": ("/redirect-nowhere", 20, "source_redirects"),
}


def mp4(folder: Path) -> Path:
    return samples.small_video(folder / "whole.mp4", 1)


def without_frame_rate(folder: Path) -> Path:
    """Every frame lasts 0 ticks, so that the rate is 0/0."""
    data = bytearray(mp4(folder).read_bytes())
    durations = data.index(b"stts") + 8
    (count,) = struct.unpack_from(">I", data, durations)
    for entry in range(count):
        struct.pack_into(">I", data, durations + 8 + 8 * entry, 0)
    path = folder / "still.mp4"
    path.write_bytes(data)
    return path


def made_of(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


Maker = Callable[[Path], Path]

# Makes a file that begins as media does in a folder, code of the job's error.
FILES: dict[str, tuple[Maker, str]] = {
    "a beginning and nothing else": (lambda folder: made_of(folder / "a.mp4", MP4[:24]), "truncated"),
    "zeros behind the beginning": (lambda folder: made_of(folder / "a.mp4", MP4), "truncated"),
    "noise behind the beginning": (
        lambda folder: made_of(folder / "a.mp4", MP4[:24] + Random(1).randbytes(50_000)),
        "truncated",
    ),
    "an MP4 cut off before its index": (lambda folder: samples.truncated(folder / "a.mp4", mp4(folder)), "truncated"),
    "a track without a frame": (lambda folder: samples.zero_length(folder / "a.mp4", mp4(folder)), "zero_length"),
    "sound only": (lambda folder: samples.audio_only(folder / "a.m4a", 1), "no_video_stream"),
    "music with a cover": (lambda folder: samples.with_cover(folder / "a.mp3", 1), "no_video_stream"),
    "a header of 20 000 x 20 000": (lambda folder: samples.forged_size(folder / "a.mov"), "too_large_picture"),
    "a video that is too long": (lambda folder: samples.small_video(folder / "a.mp4", 3), "too_long"),
}

ODD_BUT_GOOD: dict[str, Maker] = {
    "pictures of one pixel": lambda folder: samples.one_pixel(folder / "a.mkv"),
    "a single frame": lambda folder: samples.one_frame(folder / "a.mp4"),
    "no frame rate": without_frame_rate,
    "no duration": lambda folder: samples.without_duration(folder / "a.webm", 1),
    "half a file that begins with its index": (
        lambda folder: samples.truncated(folder / "a.mp4", samples.index_first(folder / "first.mp4", mp4(folder)))
    ),
    "a hundred flipped bits": lambda folder: samples.flipped_bits(folder / "a.mp4", mp4(folder), 100),
}


def table(names: str, rows: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(names, rows.values(), ids=rows.keys())


def assert_refused(site: Site, request: dict[str, Any], status: int, code: str) -> None:
    answer = site.client.post("/v1/jobs", **request)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(problem["detail"], str)
    assert problem["detail"].endswith((".", "”."))
    assert "Traceback" not in answer.text
    assert site.jobs() == []
    assert_nothing_left(site)


def assert_nothing_left(site: Site) -> None:
    """No bytes, no temporary files, no waiting work; and the server still takes what is good."""
    assert site.blobs() == []
    assert list(site.temporary.iterdir()) == []
    assert site.place.queue.depth() == {}
    assert site.client.get("/healthz").status_code == 200


@table("body, status, code", BODIES)
def test_requests(site: Site, body: dict[str, Any], status: int, code: str) -> None:
    """A request that makes no sense is refused with a sentence that says why."""
    assert_refused(site, body, status, code)


@table("url, code", LINKS)
def test_links(site: Site, url: str, code: str) -> None:
    """A link that may not be fetched is refused before anything is fetched."""
    assert_refused(site, link(url=url), 422, code)


@table("body, status, code", FORMS)
def test_forms(site: Site, body: dict[str, Any], status: int, code: str) -> None:
    """A form without exactly one file and the right fields is refused."""
    assert_refused(site, body, status, code)


@table("content, status, code", CONTENTS)
def test_contents(site: Site, content: bytes, status: int, code: str) -> None:
    """What is no media is refused by its content, though its name ends in .mp4."""
    assert_refused(site, file(content), status, code)


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@table("path, seconds, code", SERVERS)
def test_servers(site: Site, hostile: HostileServer, path: str, seconds: float, code: str) -> None:
    """Whatever a link's server does, its job fails with a code and a sentence, and the server here is well."""
    site.configure(ALLOW_HOSTS=hostile.address, DOWNLOAD_TIMEOUT_SEC=str(seconds), SOURCE_RETENTION_HOURS="0")
    job_id = site.submit(hostile.url(path))["id"]

    assert_fails(site, job_id, code)


@table("make, code", FILES)
def test_files(site: Site, tmp_path: Path, make: Maker, code: str) -> None:
    """A file that begins as a video and is none that can be worked with fails with a code and a sentence."""
    site.configure(API_MAX_VIDEO_DURATION_SEC="2", SOURCE_RETENTION_HOURS="0")
    answer = site.send(make(tmp_path).read_bytes())

    assert answer.status_code == 202, answer.text
    assert_fails(site, answer.json()["id"], code)


@table("make", ODD_BUT_GOOD)
def test_odd_files(site: Site, tmp_path: Path, make: Maker) -> None:
    """A file that is odd or damaged but can be played is worked with as far as it goes."""
    answer = site.send(make(tmp_path).read_bytes())
    assert answer.status_code == 202, answer.text
    site.work()

    job = site.client.get(f"/v1/jobs/{answer.json()['id']}").json()
    assert job["status"] == "done", job["error"]
    assert job["result"]["info"]["durationSec"] >= 0
    picture = site.client.get(f"/v1/jobs/{job['id']}/media/{job['result']['thumbnail']['name']}", follow_redirects=True)
    assert picture.headers["content-type"] == "image/jpeg"
    assert list(site.temporary.iterdir()) == []


def assert_fails(site: Site, job_id: str, code: str) -> None:
    site.work()
    job = site.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["error"]["code"]) == ("failed", code), job["error"]
    assert job["error"]["message"].endswith(".")
    assert job["progress"] < 100
    sweep(site.place.place)
    assert_nothing_left(site)
