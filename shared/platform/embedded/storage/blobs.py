"""Bytes on disk under names that nobody chooses: what they mean stands in the database."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shared.platform.embedded.database import storage_errors

PIECE_BYTES = 1 << 20


class BlobStore:
    """A folder of immutable files, each named once and for all. Nothing here is visible until a row names it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def new_name(self) -> str:
        return uuid.uuid4().hex

    def path(self, blob: str) -> Path:
        return self._root / blob[:2] / blob

    def write(self, blob: str, source: BinaryIO) -> int:
        """Copy a stream to disk durably and return its size in bytes; on any error nothing stays."""
        path = self.path(blob)
        size = 0
        try:
            with storage_errors(self._root), self.create(blob) as target:
                while piece := source.read(PIECE_BYTES):
                    size += target.write(piece)
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return size

    def create(self, blob: str) -> BinaryIO:
        """A new file, whose name is durable."""
        with storage_errors(self._root):
            path = self._new_path(blob)
            target = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        _sync_folder(path.parent)
        return target

    def link(self, blob: str) -> str:
        """The same file under another name, which is durable; raises FileNotFoundError."""
        # As if just written, so that no collector of garbage takes it before a row names it.
        os.utime(self.path(blob))
        other = self.new_name()
        path = self._new_path(other)
        path.hardlink_to(self.path(blob))
        _sync_folder(path.parent)
        return other

    def write_at(self, blob: str, offset: int, piece: bytes) -> None:
        """Put bytes into a file durably."""
        with storage_errors(self._root), self.path(blob).open("r+b") as target:
            target.seek(offset)
            target.write(piece)
            target.flush()
            os.fsync(target.fileno())

    def remove(self, blob: str) -> None:
        self.path(blob).unlink(missing_ok=True)

    def names_older_than(self, seconds: float) -> Iterator[str]:
        """Names of files that were last written at least so long ago."""
        for path in self._root.glob("??/*"):
            try:
                age = time.time() - path.stat().st_mtime
            except FileNotFoundError:
                continue
            if age >= seconds:
                yield path.name

    def _new_path(self, blob: str) -> Path:
        """The path of a file to be made, in a folder that is there."""
        path = self.path(blob)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._root)
        return path


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
