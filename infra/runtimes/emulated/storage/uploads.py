"""Cloud Storage's resumable uploads, which, unlike the embedded place's, take any metadata and unknown sizes.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infra.runtimes.emulated.storage.store import BucketStore, Resource
from shared.errors import NotFound

# Bytes after the last multiple are dropped, unless they complete the object.
CHUNK_MULTIPLE = 256 * 1024
_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-(?P<end>\d+)|\*)/(?:(?P<total>\d+)|\*)")


@dataclass
class GcsUploadSession:
    """One upload.

    Attributes:
        wanted: The object's resource as the client described it.
        size: Size of the whole object in bytes; None until the client sends it.
        resource: The finished object; None before.
    """

    id: str
    bucket: str
    wanted: Resource
    size: int | None
    if_generation: int | None
    origin: str | None
    resource: Resource | None = None


class GcsUploadSessions:
    """Open uploads, each a description and a file of bytes in `folder`, so that they survive a restart."""

    def __init__(self, folder: Path, store: BucketStore) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._store = store
        self._finishing = asyncio.Lock()

    def start(
        self, bucket: str, description: Resource, size: int | None, if_generation: int | None, origin: str | None
    ) -> GcsUploadSession:
        session = GcsUploadSession(secrets.token_urlsafe(32), bucket, description, size, if_generation, origin)
        self._data_path(session).touch()
        self._save(session)
        return session

    def find(self, id: str) -> GcsUploadSession:
        """Return the upload; raises NotFound."""
        path = self._folder / f"{id}.json"
        if not re.fullmatch(r"[\w-]+", id) or not path.exists():
            raise NotFound("No such upload.")
        return GcsUploadSession(**json.loads(path.read_text()))

    def origins(self, id: str) -> set[str]:
        """Return the web origin that opened the upload, if any."""
        try:
            origin = self.find(id).origin
        except NotFound:
            return set()
        return {origin} if origin else set()

    async def handle_request(self, request: Request) -> Response:
        """Handle PUT, which sends bytes or queries how many arrived, and DELETE, which cancels the upload."""
        session = self.find(request.query_params.get("upload_id", ""))
        if request.method == "DELETE":
            self._delete(session)
            return Response(status_code=499)
        if session.resource is None:
            await self._receive_bytes(request, session)
        async with self._finishing:
            return self._state_response(await self._finish_upload(self.find(session.id)))

    async def _receive_bytes(self, request: Request, session: GcsUploadSession) -> None:
        """Store new bytes. Another connection may store bytes of the same upload meanwhile, and none waits for another.

        Raises ValueError for an invalid range, and for more bytes than the object has, which cancels the upload.
        """
        start, total = _parse_content_range(request.headers.get("content-range"))
        if total is not None and session.size is not None and total != session.size:
            raise ValueError(f"The upload was opened for {session.size} bytes, not for {total}.")
        if session.size is None and total is not None:
            session.size = total
            self._save(session)
        position = start
        try:
            async for chunk in request.stream():
                if session.size is not None and position + len(chunk) > session.size:
                    self._delete(session)
                    raise ValueError(f"The upload was opened for {session.size} bytes; more came.")
                if not self._append(session, position, chunk):
                    return
                position += len(chunk)
        except ClientDisconnect:
            pass  # received bytes are kept, so that the client can resume
        path = self._data_path(session)
        if path.exists() and position == (received := self._size(session)) != session.size:
            os.truncate(path, received - received % CHUNK_MULTIPLE)

    def _append(self, session: GcsUploadSession, position: int, chunk: bytes) -> bool:
        """Store the bytes that have not arrived yet; return False if some before them are missing, or it has ended."""
        path = self._data_path(session)
        if not path.exists() or position > (received := self._size(session)):
            return False
        with path.open("ab") as file:
            file.write(chunk[received - position :])
        return True

    async def _finish_upload(self, session: GcsUploadSession) -> GcsUploadSession:
        """Create the object if all bytes have arrived, and return the session."""
        path = self._data_path(session)
        if session.resource is None and self._size(session) == session.size:
            session.resource = await to_thread.run_sync(
                self._store.put, session.bucket, session.wanted, path, session.if_generation
            )
            self._save(session)
            path.unlink()
        return session

    def _state_response(self, session: GcsUploadSession) -> Response:
        if session.resource is not None:
            return JSONResponse(session.resource)
        received = self._size(session)
        return Response(status_code=308, headers={"Range": f"bytes=0-{received - 1}"} if received else {})

    def _size(self, session: GcsUploadSession) -> int:
        return self._data_path(session).stat().st_size

    def _data_path(self, session: GcsUploadSession) -> Path:
        return self._folder / f"{session.id}.bytes"

    def _save(self, session: GcsUploadSession) -> None:
        (self._folder / f"{session.id}.json").write_text(json.dumps(asdict(session)))

    def _delete(self, session: GcsUploadSession) -> None:
        (self._folder / f"{session.id}.json").unlink()
        self._data_path(session).unlink(missing_ok=True)


def _parse_content_range(content_range: str | None) -> tuple[int, int | None]:
    """Return the offset of a request's bytes, and the size of the object if the request contains it."""
    if content_range is None:
        return 0, None
    match = _RANGE.fullmatch(content_range)
    if match is None or (match["end"] and int(match["end"]) < int(match["start"])):
        raise ValueError(f"Content-Range is malformed: {content_range}")
    return int(match["start"] or 0), int(match["total"]) if match["total"] else None
