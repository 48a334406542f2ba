"""Any readable stream in the form that Cloud Storage's client needs it in."""

from __future__ import annotations

import io
from typing import BinaryIO


class Rest:
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
