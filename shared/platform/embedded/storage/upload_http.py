"""Cloud Storage's resumable upload protocol, at the session URL that `start_upload` gives.

    PUT, no Content-Range             the whole object
    PUT, Content-Range: bytes 0-9/20  a part of it; bytes that are here already are skipped
    PUT, Content-Range: bytes */20    how much is here?
    DELETE                            cancel

Answers 308 with `Range: bytes=0-N` while bytes are missing (no Range: none is here), 200 with the object's resource
when all are here, and 499 to a cancellation. Source: Cloud Storage's documentation, «Perform resumable uploads».
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shared.errors import Conflict, NotFound
from shared.platform.embedded.storage.blobs import PIECE_BYTES
from shared.platform.embedded.storage.problems import problem
from shared.platform.embedded.storage.uploads import StoredUpload, UploadStore

DRAIN_BYTES = 16 << 20

_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_STATUS = re.compile(r"bytes \*/(\d{1,18}|\*)")


class _ByteRange(NamedTuple):
    """The bytes [start, end) that a request may bring, and the size it says the object has (None = it does not say)."""

    start: int
    end: int
    total: int | None


class UploadHandler:
    def __init__(self, uploads: UploadStore) -> None:
        self._uploads = uploads

    async def find(self, request: Request) -> StoredUpload | None:
        return await run_in_threadpool(self._uploads.find, request.path_params["id"])

    async def respond(self, request: Request, session: StoredUpload | None) -> Response:
        if session is None:
            return _not_found_response()
        if session.is_expired and session.resource is None:
            return problem("upload_expired", "This upload has expired. Start a new one.")
        if request.method == "DELETE":
            await run_in_threadpool(self._uploads.cancel, session.id)
            return Response(status_code=499)
        body = request.stream()
        content_range = request.headers.get("content-range", "")
        if session.resource or _STATUS.fullmatch(content_range):
            return await _drain_body(body, _status_response(session))
        part = _parse_content_range(content_range, request.headers.get("content-length"), session.size)
        if part is None:
            detail = "The Content-Range does not fit the body. Send 'bytes FIRST-LAST/TOTAL' for the bytes in the body."
            return await _drain_body(body, problem("range_invalid", detail))
        if max(part.end, part.total or 0) > session.size:
            return await self._reject_too_large(body, session)
        if part.total is not None and part.total != session.size:
            detail = f"This upload was started for {session.size} bytes. Send that size, or start a new upload."
            return await _drain_body(body, problem("size_mismatch", detail))
        if part.start > session.received:
            return await _drain_body(body, _status_response(session))
        try:
            return await self._receive(body, session, part)
        except Conflict:
            # The client has gone on over another connection.
            current = await self.find(request)
            return await _drain_body(body, _status_response(current) if current else _not_found_response())
        except NotFound:
            return await _drain_body(body, _not_found_response())

    async def _receive(self, body: AsyncIterator[bytes], session: StoredUpload, part: _ByteRange) -> Response:
        remaining, skip = part.end - part.start, session.received - part.start
        pending = bytearray()
        try:
            async for piece in body:
                remaining -= len(piece)
                if remaining < 0:
                    return await self._reject_too_large(body, session)
                pending += piece[skip:]
                skip = max(0, skip - len(piece))
                while len(pending) >= PIECE_BYTES:
                    session = await self._append(session, pending[:PIECE_BYTES])
                    del pending[:PIECE_BYTES]
        except ClientDisconnect:
            pass  # what came is kept, for the client to go on from there
        return _status_response(await self._append(session, pending))

    async def _append(self, session: StoredUpload, piece: bytearray) -> StoredUpload:
        return await run_in_threadpool(self._uploads.append, session.id, session.received, bytes(piece))

    async def _reject_too_large(self, body: AsyncIterator[bytes], session: StoredUpload) -> Response:
        await run_in_threadpool(self._uploads.cancel, session.id)
        detail = f"The body exceeds the {session.size} bytes announced for this upload. Start a new upload."
        return await _drain_body(body, problem("upload_too_large", detail))


def _parse_content_range(content_range: str, content_length: str | None, size: int) -> _ByteRange | None:
    """None when the headers contradict themselves or each other."""
    length = int(content_length) if content_length else None
    if not content_range:
        return _ByteRange(0, size if length is None else length, length)
    match = _PART.fullmatch(content_range)
    if match is None:
        return None
    start, end = int(match[1]), int(match[2]) + 1
    if end <= start or length not in (None, end - start):
        return None
    return _ByteRange(start, end, None if match[3] == "*" else int(match[3]))


def _status_response(session: StoredUpload) -> Response:
    if session.resource:
        return JSONResponse(session.resource)
    return Response(status_code=308, headers={"Range": f"bytes=0-{session.received - 1}"} if session.received else {})


def _not_found_response() -> Response:
    return problem("upload_not_found", "This upload does not exist, or was cancelled. Start a new one.")


async def _drain_body(body: AsyncIterator[bytes], response: Response) -> Response:
    """Read what is left of a body, within reason: a client that is cut off while it sends may miss the answer."""
    remaining = DRAIN_BYTES
    with suppress(ClientDisconnect):
        async for piece in body:
            remaining -= len(piece)
            if remaining < 0:
                break
    return response
