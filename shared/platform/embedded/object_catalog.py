"""The objects' bytes in files (blobs), and the table that maps an object's name to its blob."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from shared import clock
from shared.errors import Conflict
from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import Database, storage_errors
from shared.platform.ports import ObjectInfo

PIECE_BYTES = 1 << 20
PAGE_ROWS = 500
# No byte of UTF-8 is 0xFF: what lies between the prefix and this bound starts with the prefix.
_STARTS_WITH = "bucket = ? AND name >= ? AND name < CAST(? AS TEXT)"


class CatalogEntry(NamedTuple):
    info: ObjectInfo
    blob: str


class ObjectCatalog:
    """The table of objects. Finalized events are queued in the transaction that makes an object visible."""

    def __init__(self, db: Database, bus: SqliteBus) -> None:
        self._db = db
        self._bus = bus

    def find(self, bucket: str, name: str) -> CatalogEntry | None:
        row = self._db.connection.execute(
            "SELECT * FROM objects WHERE bucket = ? AND name = ?", (bucket, name)
        ).fetchone()
        return row and _entry_from_row(row)

    def add(
        self,
        bucket: str,
        name: str,
        blob: str,
        size: int,
        content_type: str,
        metadata: dict[str, str],
        if_generation: int | None = None,
    ) -> tuple[ObjectInfo, str | None]:
        """Map the name to the blob; return also the blob it replaces, to be removed after the commit.

        Raises Conflict if the name's generation is not `if_generation` (0 = absent).
        """
        with self._db.transaction() as connection:
            before = self.find(bucket, name)
            if if_generation is not None and if_generation != (before.info.generation if before else 0):
                raise Conflict(f"{bucket}/{name}")
            connection.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (bucket, name))
            updated = clock.now()
            generation = connection.execute(
                "INSERT INTO objects (bucket, name, blob, size, content_type, metadata, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (bucket, name, blob, size, content_type, json.dumps(metadata), encode_time(updated)),
            ).lastrowid
            info = ObjectInfo(bucket, name, size, content_type, generation or 0, updated, metadata)
            self._bus.enqueue_object_event(info)
        return info, before.blob if before else None

    def remove(self, bucket: str, name: str) -> list[str]:
        """Delete a name; return the blobs without a name, to be removed after the commit."""
        with self._db.transaction() as connection:
            rows = connection.execute(
                "DELETE FROM objects WHERE bucket = ? AND name = ? RETURNING blob", (bucket, name)
            )
            return [row["blob"] for row in rows.fetchall()]

    def remove_prefix(self, bucket: str, prefix: str) -> list[str]:
        """Delete the names that start with `prefix`; return as `remove`."""
        with self._db.transaction() as connection:
            rows = connection.execute(
                f"DELETE FROM objects WHERE {_STARTS_WITH} RETURNING blob",  # noqa: S608  # a constant
                (bucket, prefix, prefix.encode() + b"\xff"),
            )
            return [row["blob"] for row in rows.fetchall()]

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """Yield objects by name, read in pages so that no transaction stays open between them."""
        last = ""
        while True:
            rows = self._db.connection.execute(
                f"SELECT * FROM objects WHERE {_STARTS_WITH} AND name > ? ORDER BY name LIMIT ?",  # noqa: S608
                (bucket, prefix, prefix.encode() + b"\xff", last, PAGE_ROWS),
            ).fetchall()
            for row in rows:
                yield _entry_from_row(row).info
            if len(rows) < PAGE_ROWS:
                return
            last = rows[-1]["name"]


def _entry_from_row(row: sqlite3.Row) -> CatalogEntry:
    info = ObjectInfo(
        bucket=row["bucket"],
        name=row["name"],
        size=row["size"],
        content_type=row["content_type"],
        generation=row["generation"],
        updated=decode_time(row["updated"]),
        metadata=json.loads(row["metadata"]),
    )
    return CatalogEntry(info, row["blob"])


class BlobStore:
    """A folder of immutable files with random names. A file is invisible until a row of the table names it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def new_name(self) -> str:
        return uuid.uuid4().hex

    def path(self, blob: str) -> Path:
        return self._root / blob[:2] / blob

    def write(self, blob: str, source: BinaryIO) -> int:
        """Copy a stream to disk durably and return its size in bytes; on any error the file is deleted."""
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

    def write_many(self, sources: Sequence[BinaryIO]) -> list[tuple[str, int]]:
        """Copy streams to disk durably; return the name and size in bytes of each. On any error all are deleted.

        They share a folder, so that one write makes their names durable.
        """
        if not sources:
            return []
        shard = self.new_name()[:2]
        written: list[tuple[str, int]] = []
        handles: list[int] = []
        try:
            with storage_errors(self._root):
                folder = self._new_path(shard).parent
                for source in sources:
                    blob = shard + self.new_name()[2:]
                    handles.append(_create_file(folder / blob))
                    written.append((blob, 0))
                    written[-1] = blob, _copy(source, handles[-1])
                # Only now: the file system's journal takes the other files along with the first.
                for handle in handles:
                    os.fsync(handle)
            _sync_folder(folder)
        except BaseException:
            for blob, _ in written:
                self.remove(blob)
            raise
        finally:
            for handle in handles:
                os.close(handle)
        return written

    def create(self, blob: str) -> BinaryIO:
        """Create a file and return it open; its name is durable."""
        with storage_errors(self._root):
            path = self._new_path(blob)
            target = os.fdopen(_create_file(path), "wb")
        _sync_folder(path.parent)
        return target

    def link(self, blob: str) -> str:
        """Link the file under a new name, which is durable, and return the name; raises FileNotFoundError."""
        # Makes the file young, so that garbage collection spares it until a row names it.
        os.utime(self.path(blob))
        other = self.new_name()
        path = self._new_path(other)
        path.hardlink_to(self.path(blob))
        _sync_folder(path.parent)
        return other

    def write_at(self, blob: str, offset: int, piece: bytes) -> None:
        """Write bytes into a file durably."""
        with storage_errors(self._root), self.path(blob).open("r+b") as target:
            target.seek(offset)
            target.write(piece)
            target.flush()
            os.fsync(target.fileno())

    def remove(self, blob: str) -> None:
        self.path(blob).unlink(missing_ok=True)

    def names_older_than(self, seconds: float) -> Iterator[str]:
        """Yield the names of files whose last write was at least `seconds` ago."""
        for path in self._root.glob("??/*"):
            try:
                age = clock.deletion_clock.now().timestamp() - path.stat().st_mtime
            except FileNotFoundError:
                continue
            if age >= seconds:
                yield path.name

    def _new_path(self, blob: str) -> Path:
        """Return the path of a new file, and create its folder."""
        path = self.path(blob)
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._root)
        return path


def _create_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _copy(source: BinaryIO, handle: int) -> int:
    """Write a stream to a file handle; return its size in bytes."""
    size = 0
    while piece := source.read(PIECE_BYTES):
        size += len(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(handle, rest) :]
    return size


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
