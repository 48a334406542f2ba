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

from infra.api_client import ApiClient, ApiError, JobDocument, ServerUnreachable, open_client, parse_error
from shared.media.file_type import HEAD_BYTES, require_media_type

MAX_FAILURES = 8
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class UploadTarget:
    """An open upload session. The URL authorizes the upload, so no token is sent."""

    url: str
    method: str
    headers: Mapping[str, str]


def send_file(
    api: ApiClient,
    path: Path,
    kind: str,
    language: str | None,
    options: Mapping[str, str | int],
    tick: Callable[[int], None],
) -> JobDocument:
    """Create a job for a file and upload it; returns the job. If the upload fails, the job is cancelled.

    Raises PermanentError for an unsupported file, ServerUnreachable, ApiError, or OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        content_type = require_media_type(file.read(HEAD_BYTES), path.name)
    started = api.start_upload(path.name, content_type, path.stat().st_size, kind, language, options)
    job: JobDocument = started["job"]
    try:
        upload_file(path, UploadTarget(started["uploadUrl"], started["method"], started["headers"]), tick)
    except BaseException:
        # No other client has the URL: the job would wait for its bytes until it expires.
        with suppress(ServerUnreachable, ApiError):
            api.cancel_job(job["id"])
        raise
    return job


def upload_file(
    path: Path, target: UploadTarget, tick: Callable[[int], None], pause: Callable[[float], None] = time.sleep
) -> None:
    """Upload the whole file; after a broken connection, query the received bytes and resume.

    `tick` is called with the number of bytes sent so far. Raises ServerUnreachable if the server does not come back,
    and ApiError if it rejects the bytes.
    """
    size = path.stat().st_size
    received = furthest = failures = 0
    with open_client(target.url) as client, path.open("rb") as file:
        while True:
            problem: Exception
            try:
                if failures:
                    received = _query_received(client, target, size)
                if received < size or not failures:
                    received = _send_from(client, target, file, received, size, tick)
                problem = ServerUnreachable("The server stored only a part of the file and accepts no more.")
            except httpx.TransportError as error:
                problem = ServerUnreachable(f"The upload was interrupted and could not be resumed ({error}).")
            except ApiError as error:
                if not error.is_temporary:
                    raise
                problem = error
            if received == size:
                return
            failures = 1 if received > furthest else failures + 1
            furthest = max(furthest, received)
            if failures > MAX_FAILURES:
                raise problem
            pause(min(8.0, 0.25 * 2**failures))


def _query_received(client: httpx.Client, target: UploadTarget, size: int) -> int:
    """Query how many bytes have arrived."""
    return _parse_received(
        client.request(target.method, target.url, headers={"Content-Range": f"bytes */{size}"}), size
    )


def _send_from(
    client: httpx.Client, target: UploadTarget, file: BinaryIO, start: int, size: int, tick: Callable[[int], None]
) -> int:
    """Send the file from `start` on; returns how many bytes have arrived."""
    headers = {**target.headers, "Content-Length": str(size - start)}
    if start:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    chunks = _file_chunks(file, start, tick)
    return _parse_received(client.request(target.method, target.url, headers=headers, content=chunks), size)


def _file_chunks(file: BinaryIO, start: int, tick: Callable[[int], None]) -> Iterator[bytes]:
    file.seek(start)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        tick(file.tell())


def _parse_received(response: httpx.Response, size: int) -> int:
    if response.is_success:
        return size
    if response.status_code != 308:
        raise parse_error(response)
    match = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
    return int(match[1]) + 1 if match else 0
