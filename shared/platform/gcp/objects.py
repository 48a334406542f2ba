"""Objects in Cloud Storage: streaming, generation preconditions, signed links."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from google.api_core import exceptions
from google.cloud.storage import Blob, Bucket, Client

from shared import clock
from shared.errors import Conflict, NotFound
from shared.platform.port_checks import check_bucket, check_object_name
from shared.platform.ports import NewObject, ObjectInfo, UploadSession

# Bytes in memory and in one request of an upload or an open stream; a multiple of 256 KiB.
CHUNK = 4 * 1024 * 1024
MAX_THREADS = 16
DELETES_AT_ONCE = 100
"""Calls in one batch request: https://cloud.google.com/storage/docs/batch."""


class GcsObjects:
    """The port `Objects`. The bucket `uploads` is named `{prefix}uploads`, and so on.

    Google's client repeats failed requests. A `put` with a precondition whose response was lost may then conflict with
    itself and raise Conflict although the object is stored.
    """

    def __init__(self, client: Client, prefix: str, signer: Callable[[], Any]) -> None:
        """`signer` returns the credentials that sign links; it is called for each link."""
        self._client = client
        self._prefix = prefix
        self._signer = signer

    def put(
        self,
        bucket: str,
        name: str,
        data: bytes | BinaryIO | Path,
        content_type: str,
        metadata: dict[str, str] | None = None,
        if_generation: int | None = None,
    ) -> ObjectInfo:
        blob = self._blob(bucket, name)
        blob.metadata = metadata or {}
        options = {"content_type": content_type, "if_generation_match": if_generation}
        try:
            if isinstance(data, bytes):
                blob.upload_from_string(data, **options)
            elif isinstance(data, Path):
                blob.upload_from_filename(str(data), **options)
            else:
                remaining = RemainingStream(data)
                blob.upload_from_file(remaining, size=remaining.size(), **options)
        except exceptions.PreconditionFailed:
            raise Conflict(f"{bucket}/{name}") from None
        return _info(bucket, blob)

    def create_many(self, bucket: str, objects: Sequence[NewObject]) -> Sequence[str]:
        """The service has no request for several: they are sent in parallel."""
        for new in objects:
            check_object_name(bucket, new.name)

        def is_taken(new: NewObject) -> bool:
            try:
                self.put(bucket, new.name, new.data, new.content_type, new.metadata, if_generation=0)
            except Conflict:
                return True
            return False

        with ThreadPoolExecutor(MAX_THREADS) as threads:
            return [new.name for new, taken in zip(objects, threads.map(is_taken, objects), strict=True) if taken]

    def stat(self, bucket: str, name: str) -> ObjectInfo | None:
        blob = self._load_blob(bucket, name)
        return _info(bucket, blob) if blob else None

    def open(self, bucket: str, name: str) -> AbstractContextManager[BinaryIO]:
        while blob := self._load_blob(bucket, name):
            reader = BufferedReader(RangeReader(blob), CHUNK)
            try:
                reader.peek()
            except exceptions.NotFound:
                continue  # replaced or deleted since it was loaded
            return reader
        raise NotFound(f"{bucket}/{name}")

    def read(self, bucket: str, name: str) -> bytes:
        try:
            return bytes(self._blob(bucket, name, chunk=None).download_as_bytes())
        except exceptions.NotFound:
            raise NotFound(f"{bucket}/{name}") from None

    def download(self, bucket: str, name: str, path: Path) -> None:
        try:
            self._blob(bucket, name, chunk=None).download_to_filename(str(path))
        except exceptions.NotFound:
            raise NotFound(f"{bucket}/{name}") from None

    def copy(self, bucket: str, name: str, to: str) -> None:
        self._copy(self._load_blob(bucket, name), self._blob(bucket, to), f"{bucket}/{name}")

    def copy_to_bucket(self, bucket: str, name: str, generation: int, to_bucket: str, to: str) -> None:
        blob = self._load_blob(bucket, name)
        current = blob if blob and blob.generation == generation else None
        try:
            self._copy(current, self._blob(to_bucket, to), f"{bucket}/{name}", if_generation=0)
        except exceptions.PreconditionFailed:
            raise Conflict(f"{to_bucket}/{to}") from None

    def bucket_name(self, bucket: str) -> str:
        return str(self._bucket(bucket).name)

    def delete(self, bucket: str, name: str) -> None:
        try:
            self._blob(bucket, name).delete()
        except exceptions.NotFound:
            return

    def delete_many(self, bucket: str, names: Sequence[str]) -> None:
        for start in range(0, len(names), DELETES_AT_ONCE):
            # The batch counts for its whole thread: nothing else is called within it.
            batch = self._client.batch(raise_exception=False)
            with batch:
                for name in names[start : start + DELETES_AT_ONCE]:
                    self._blob(bucket, name).delete()
            for response in batch._responses:
                if response.status_code != HTTPStatus.NOT_FOUND and response.status_code >= HTTPStatus.BAD_REQUEST:
                    raise exceptions.from_http_response(response)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        names = [info.name for info in self.list(bucket, prefix)]
        self.delete_many(bucket, names)
        return len(names)

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        for blob in self._client.list_blobs(self._bucket(bucket), prefix=prefix):
            yield _info(bucket, blob)

    def finalize_again(self, bucket: str, name: str) -> bool:
        blob = self._load_blob(bucket, name)
        if blob is None:
            return False
        try:
            # Copied onto itself: the same bytes and metadata as a new generation, which sends the event.
            _rewrite(blob, blob)
        except exceptions.NotFound:
            # Deleted or replaced since it was loaded; a newer generation sent its own event.
            return self._load_blob(bucket, name) is not None
        return True

    def signed_url(self, bucket: str, name: str, ttl_sec: int, filename: str | None = None) -> str:
        return str(
            self._blob(bucket, name).generate_signed_url(
                version="v4",
                expiration=clock.now() + timedelta(seconds=ttl_sec),
                method="GET",
                response_disposition=_content_disposition(filename) if filename else None,
                credentials=self._signer(),
            )
        )

    def google_uri(self, bucket: str, name: str) -> str | None:
        in_cloud = (urlsplit(self._client.api_endpoint).hostname or "").endswith(".googleapis.com")
        return f"gs://{self._bucket(bucket).name}/{name}" if in_cloud else None

    def start_upload(
        self, bucket: str, name: str, content_type: str, size: int, ttl_sec: int, origin: str | None = None
    ) -> UploadSession:
        url = self._blob(bucket, name).create_resumable_upload_session(content_type, size=size, origin=origin)
        headers = {"Content-Type": content_type}
        return UploadSession(str(url), "PUT", headers, clock.now() + timedelta(seconds=ttl_sec))

    def _copy(self, blob: Blob | None, target: Blob, subject: str, if_generation: int | None = None) -> None:
        """Copy a loaded object; raises NotFound, naming `subject`, if it does not exist or is replaced."""
        if blob is None:
            raise NotFound(subject)
        target.content_type, target.metadata = blob.content_type, blob.metadata
        try:
            _rewrite(blob, target, if_generation)
        except exceptions.NotFound:
            raise NotFound(subject) from None

    def _bucket(self, bucket: str) -> Bucket:
        check_bucket(bucket)
        return self._client.bucket(self._prefix + bucket)

    def _blob(self, bucket: str, name: str, chunk: int | None = CHUNK) -> Blob:
        check_object_name(bucket, name)
        return self._bucket(bucket).blob(name, chunk_size=chunk)

    def _load_blob(self, bucket: str, name: str) -> Blob | None:
        """Return the object with all its metadata, bound to its generation; None if it does not exist."""
        blob = self._blob(bucket, name)
        try:
            blob.reload()
        except exceptions.NotFound:
            return None
        return blob


def _info(bucket: str, blob: Blob) -> ObjectInfo:
    return ObjectInfo(
        bucket=bucket,
        name=blob.name,
        size=blob.size,
        content_type=blob.content_type,
        generation=blob.generation,
        updated=blob.updated,
        metadata=blob.metadata or {},
    )


def _rewrite(source: Blob, target: Blob, if_generation: int | None = None) -> None:
    """Copy on the server, in as many calls as it requires."""
    token, _, _ = target.rewrite(source, if_generation_match=if_generation)
    while token:
        token, _, _ = target.rewrite(source, token=token, if_generation_match=if_generation)


def _content_disposition(filename: str) -> str:
    """Return the header by RFC 6266, with an ASCII name for clients that cannot read the other."""
    plain = filename.encode("ascii", "replace").decode().translate({ord(mark): "_" for mark in '"\\\r\n'})
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


class RemainingStream:
    """The rest of a stream: position 0 is its current position, and a short read means its end.

    The client treats a short read as the end of the data, so short reads of a socket or pipe would truncate an object.
    A stream that cannot seek can be sent, but a failed part of it cannot be sent again.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = stream.tell() if stream.seekable() else None
        self._position = 0

    def size(self) -> int | None:
        """Return the bytes from the start to the end; None if the stream cannot seek."""
        if self._start is None:
            return None
        end = self._stream.seek(0, io.SEEK_END)
        self._stream.seek(self._start)
        return end - self._start

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if self._start is None:
            raise OSError("the upload broke and its source cannot be read again")
        self._stream.seek(self._start + position)
        self._position = position
        return position

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
            self._position += len(part)
        return b"".join(parts)


class RangeReader(io.RawIOBase):
    """The bytes of one generation of an object; each read requests a range, except at the end."""

    def __init__(self, blob: Blob) -> None:
        """`blob` must have its generation and size loaded."""
        self._blob = blob
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._blob.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        piece = self._fetch(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        return self._fetch(self._blob.size)

    def _fetch(self, size: int) -> bytes:
        end = min(self._position + size, self._blob.size)
        if end <= self._position:
            return b""
        # A range has no checksum of its own.
        piece: bytes = self._blob.download_as_bytes(start=self._position, end=end - 1, checksum=None)
        self._position += len(piece)
        return piece
