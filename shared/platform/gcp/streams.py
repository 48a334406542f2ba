"""Streams between Cloud Storage's client and the rest."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from google.cloud.storage import Blob


class RemainingStream:
    """What is left of a stream: position 0 is where it stands now, and a short read means its end.

    The client takes a short read for the end of the data, so a socket's or pipe's short reads would cut an object off.
    A stream that cannot seek is sent too, but a failed part of it cannot be sent again.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = stream.tell() if stream.seekable() else None
        self._position = 0

    def size(self) -> int | None:
        """Bytes from the start to the end; None when that cannot be known before reading."""
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
    """The bytes of one generation of an object, each read a request for a range; at the end none is sent."""

    def __init__(self, blob: Blob) -> None:
        """`blob` knows its generation and size."""
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
