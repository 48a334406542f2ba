"""The HTTP server of the objects, which Cloud Storage is in the cloud: signed links and resumable uploads.

Mounted under `/storage`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.error_codes.registry import CODES
from shared.errors import Conflict, NotFound, PermanentError, StorageUnavailable
from shared.platform.embedded.object_catalog import PIECE_BYTES
from shared.platform.embedded.objects import FileObjects, download_path
from shared.platform.embedded.signing import verify_link
from shared.platform.embedded.uploads import StoredUpload, UploadStore
from shared.platform.ports import ObjectInfo

DRAIN_BYTES = 16 << 20
RETRY_AFTER_SEC = 5
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)
# A total may be absurd; its digits are bounded since Python refuses to convert very long ones.
_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,1000}|\*)")
_STATUS = re.compile(r"bytes \*/(\d{1,1000}|\*)")
AbortUpload = Callable[[StoredUpload, str | None], None]
"""Called with an upload that ended without its object, and a sentence that says why; None: its client cancelled it."""


def storage_app(
    objects: FileObjects,
    signing_key: bytes,
    frontend_url: str,
    on_abort: AbortUpload = lambda upload, reason: None,
) -> Starlette:
    """Serve signed links and resumable uploads.

    Args:
        frontend_url: Comma-separated web origins with access; the origin of an upload also has access to that upload.
        on_abort: Called, in a thread, for an upload that sends more than it announced, and for one that is cancelled.
    """
    frontends = {origin.strip().rstrip("/") for origin in frontend_url.split(",") if origin.strip()}
    downloads = DownloadHandler(objects, signing_key)
    uploads = UploadHandler(objects.uploads, on_abort)

    async def download(request: Request) -> Response:
        if request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            response = await downloads.respond(request)
        return add_cors_headers(frontends, request, response)

    async def upload(request: Request) -> Response:
        session = await uploads.find(request)
        origins = frontends | {session.origin} if session and session.origin else frontends
        if request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            response = await uploads.respond(request, session)
        return add_cors_headers(origins, request, response)

    return Starlette(
        routes=[
            Route("/download/{bucket}/{name:path}", download, methods=["GET", "HEAD", "OPTIONS"]),
            Route("/upload/{id}", upload, methods=["PUT", "DELETE", "OPTIONS"]),
        ],
        exception_handlers={HTTPException: _router_problem, StorageUnavailable: _storage_problem},
    )


def _storage_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, StorageUnavailable)  # noqa: S101  # the handler is registered for nothing else
    return problem(error.code, error.message, {"Retry-After": str(RETRY_AFTER_SEC)})


class DownloadHandler:
    def __init__(self, objects: FileObjects, signing_key: bytes) -> None:
        self._objects = objects
        self._signing_key = signing_key

    async def respond(self, request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        query = request.query_params
        filename = query.get("filename")
        try:
            # A link for GET also permits HEAD, which reveals less.
            path = download_path(bucket, name)
            verify_link(self._signing_key, "GET", path, query.get("expires", ""), filename, query.get("signature", ""))
        except PermanentError as error:
            return problem(error.code, error.message)
        try:
            info, stream = await run_in_threadpool(self._objects.open_with_info, bucket, name)
        except NotFound:
            return problem("object_not_found", "The object behind this link was deleted. Check the status of its job.")
        return object_response(request, info, stream, filename)


def object_response(request: Request, info: ObjectInfo, stream: BinaryIO, filename: str | None) -> Response:
    """Return the object or the requested range; with `filename`, browsers save it under that name."""
    etag = f'"{info.generation}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private",
        "Content-Disposition": _content_disposition(filename),
        # Uploads are served from the API's own origin: no script in them may run there.
        "Content-Security-Policy": "sandbox",
        "Content-Type": info.content_type if _CONTENT_TYPE.fullmatch(info.content_type) else "application/octet-stream",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if matches_etag(request.headers.get("if-none-match", ""), etag):
        stream.close()
        kept = ("Cache-Control", "Content-Disposition", "ETag")
        return Response(status_code=304, headers={name: headers[name] for name in kept})
    status, start, end = 200, 0, info.size
    byte_range = _parse_range(request.headers.get("range", ""), info.size)
    if byte_range and request.headers.get("if-range", etag) == etag:
        status, (start, end) = 206, byte_range
        if start >= end:
            stream.close()
            detail = f"The object has {info.size} bytes. Request a range inside it."
            unsatisfied = {"Content-Range": f"bytes */{info.size}"}
            return problem("range_not_satisfiable", detail, unsatisfied)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        stream.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_iter_range(stream, start, end), status, headers)


def matches_etag(header: str, etag: str) -> bool:
    """Return True if an `If-None-Match` (RFC 9110, 13.1.2) names `etag`, which is a strong one."""
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the requested half-open range, empty if it cannot be satisfied; None without a valid range."""
    match = _RANGE.fullmatch(header)
    first, last = match.groups() if match else ("", "")
    if first and last:
        return (int(first), min(size, int(last) + 1)) if int(first) <= int(last) else None
    if first:
        return int(first), size
    return (max(0, size - int(last)), size) if last else None


async def _iter_range(stream: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with stream:
        await run_in_threadpool(stream.seek, start)
        while start < end:
            piece = await run_in_threadpool(stream.read, min(PIECE_BYTES, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece


def _content_disposition(filename: str | None) -> str:
    """Return the header by RFC 6266, with an ASCII name for clients that cannot read the other."""
    if filename is None:
        return "inline"
    plain = re.sub(r'[^\x20-\x7e]|["\\%/]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


class _ByteRange(NamedTuple):
    """The bytes [start, end) in a request, and the size it states for the object (None = not stated)."""

    start: int
    end: int
    total: int | None


class UploadHandler:
    def __init__(self, uploads: UploadStore, on_abort: AbortUpload) -> None:
        self._uploads = uploads
        self._on_abort = on_abort

    async def find(self, request: Request) -> StoredUpload | None:
        return await run_in_threadpool(self._uploads.find, request.path_params["id"])

    async def respond(self, request: Request, session: StoredUpload | None) -> Response:
        if session is None:
            return _not_found_response()
        if session.is_expired and session.resource is None:
            return problem("upload_expired", "This upload has expired. Start a new one.")
        if request.method == "DELETE":
            if await run_in_threadpool(self._uploads.cancel, session.id):
                await run_in_threadpool(self._on_abort, session, None)
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
            # The client has resumed over another connection.
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
            pass  # the received bytes are stored, for the client to resume after them
        return _status_response(await self._append(session, pending))

    async def _append(self, session: StoredUpload, piece: bytearray) -> StoredUpload:
        return await run_in_threadpool(self._uploads.append, session.id, session.received, bytes(piece))

    async def _reject_too_large(self, body: AsyncIterator[bytes], session: StoredUpload) -> Response:
        await run_in_threadpool(self._uploads.cancel, session.id)
        detail = f"The body exceeds the {session.size} bytes announced for this upload. Start a new upload."
        await run_in_threadpool(self._on_abort, session, detail)
        return await _drain_body(body, problem("upload_too_large", detail))


def _parse_content_range(content_range: str, content_length: str | None, size: int) -> _ByteRange | None:
    """Return the range of the body; None if the headers contradict themselves or each other."""
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
    """Read the rest of a body, at most DRAIN_BYTES: a client cut off while it sends may miss the response."""
    remaining = DRAIN_BYTES
    with suppress(ClientDisconnect):
        async for piece in body:
            remaining -= len(piece)
            if remaining < 0:
                break
    return response


def add_cors_headers(origins: Collection[str], request: Request, response: Response) -> Response:
    """Add headers for cross-origin resource sharing (CORS, Fetch standard)."""
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("origin")
    if origin and origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = (
            "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Range"
        )
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, PUT, DELETE"
            response.headers["Access-Control-Allow-Headers"] = (
                "Content-Type, Content-Range, If-None-Match, If-Range, Range"
            )
            response.headers["Access-Control-Max-Age"] = "3600"
    return response


def _router_problem(request: Request, error: Exception) -> Response:
    """Return the router's own errors, such as a wrong method, as problem responses."""
    assert isinstance(error, HTTPException)  # noqa: S101  # the handler is registered for nothing else
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"This path does not support {request.method}. Use a method from the Allow header."
        return problem("method_not_allowed", detail, error.headers)
    return problem("not_found", "This path does not exist. Use the link as it was issued.", error.headers)


def problem(code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a problem response with the status of the code in the registry."""
    status = CODES[code].status or HTTPStatus.INTERNAL_SERVER_ERROR
    return JSONResponse({"code": code, "detail": detail}, status, headers, media_type="application/problem+json")
