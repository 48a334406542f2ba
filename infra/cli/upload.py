"""Uploads files: creates a job for each, then sends its bytes straight to storage.

The protocol is that of Cloud Storage for resumable uploads, which the embedded server implements too:
https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from infra.client.api import Api, JobDocument, Refused, Unreachable, open_client, refusal
from shared.media.file.file_type import HEAD_BYTES, accepted_media_type

FAILURES_BORNE = 8
PIECE = 256 * 1024


@dataclass(frozen=True)
class Target:
    """An open upload session. The URL authorizes the upload, so no token is sent."""

    url: str
    method: str
    headers: Mapping[str, str]


def send_file(api: Api, path: Path, kind: str, language: str | None, sent: Callable[[int], None]) -> JobDocument:
    """Create a job for a file and upload it; returns the job. If the upload fails, the job is cancelled.

    Raises PermanentError for an unsupported file, Unreachable, Refused, or OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        content_type = accepted_media_type(file.read(HEAD_BYTES), path.name)
    started = api.start_upload(path.name, content_type, path.stat().st_size, kind, language)
    job: JobDocument = started["job"]
    try:
        upload(path, Target(started["upload_url"], started["method"], started["headers"]), sent)
    except BaseException:
        # No other client has the URL: the job would wait for its bytes until it expires.
        with suppress(Unreachable, Refused):
            api.cancel(job["id"])
        raise
    return job


def upload(
    path: Path, target: Target, sent: Callable[[int], None], pause: Callable[[float], None] = time.sleep
) -> None:
    """Upload the whole file; after a broken connection, query the received bytes and resume.

    `sent` is called with the number of bytes sent so far. Raises Unreachable if the server does not come back, and
    Refused if it rejects the bytes.
    """
    size = path.stat().st_size
    arrived = furthest = failures = 0
    with open_client(target.url) as client, path.open("rb") as file:
        while True:
            problem: Exception
            try:
                if failures:
                    arrived = _ask(client, target, size)
                if arrived < size or not failures:
                    arrived = _send(client, target, file, arrived, size, sent)
                problem = Unreachable("The server stored only a part of the file and accepts no more.")
            except httpx.TransportError as error:
                problem = Unreachable(f"The upload was interrupted and could not be resumed ({error}).")
            except Refused as refused:
                if not refused.passing:
                    raise
                problem = refused
            if arrived == size:
                return
            failures = 1 if arrived > furthest else failures + 1
            furthest = max(furthest, arrived)
            if failures > FAILURES_BORNE:
                raise problem
            pause(min(8.0, 0.25 * 2**failures))


def _ask(client: httpx.Client, target: Target, size: int) -> int:
    """Query how many bytes have arrived."""
    return _arrived(client.request(target.method, target.url, headers={"Content-Range": f"bytes */{size}"}), size)


def _send(
    client: httpx.Client, target: Target, file: BinaryIO, start: int, size: int, sent: Callable[[int], None]
) -> int:
    """Send the file from `start` on; returns how many bytes have arrived."""
    headers = {**target.headers, "Content-Length": str(size - start)}
    if start:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    pieces = _pieces(file, start, sent)
    return _arrived(client.request(target.method, target.url, headers=headers, content=pieces), size)


def _pieces(file: BinaryIO, start: int, sent: Callable[[int], None]) -> Iterator[bytes]:
    file.seek(start)
    while piece := file.read(PIECE):
        yield piece
        sent(file.tell())


def _arrived(response: httpx.Response, size: int) -> int:
    if response.is_success:
        return size
    if response.status_code != 308:
        raise refusal(response)
    stored = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
    return int(stored[1]) + 1 if stored else 0
