"""Answers signed links with the object's bytes, whole or one range of them (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared.errors import NotFound, PermanentError
from shared.platform.embedded.storage.blobs import PIECE_BYTES
from shared.platform.embedded.storage.objects import FileObjects, download_path
from shared.platform.embedded.storage.problems import problem
from shared.platform.ports import ObjectInfo
from shared.security.signing import verify_link

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)


class DownloadHandler:
    def __init__(self, objects: FileObjects, signing_key: bytes) -> None:
        self._objects = objects
        self._signing_key = signing_key

    async def respond(self, request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        query = request.query_params
        filename = query.get("filename")
        try:
            # A link for GET serves HEAD, too: it tells less.
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
    """The object, or the range of it that the request asks for; `filename` asks browsers to save it under that name."""
    etag = f'"{info.generation}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private",
        "Content-Disposition": _content_disposition(filename),
        # What users uploaded is served from the API's own origin: no script in it may run there.
        "Content-Security-Policy": "sandbox",
        "Content-Type": info.content_type if _CONTENT_TYPE.fullmatch(info.content_type) else "application/octet-stream",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
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


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    """The half-open range that is asked for, empty when it cannot be satisfied; None when there is no valid one."""
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
    """RFC 6266, with the ASCII name for those who cannot read the other."""
    if filename is None:
        return "inline"
    plain = re.sub(r'[^\x20-\x7e]|["\\%/]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
