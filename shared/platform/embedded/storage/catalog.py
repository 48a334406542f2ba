"""The table of objects: which blob a name stands for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from shared import clock
from shared.errors import Conflict
from shared.platform.embedded.bus import SqliteBus
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import Database
from shared.platform.ports import ObjectInfo

PAGE_ROWS = 500

# No byte of UTF-8 is 0xFF: what lies between the prefix and this bound starts with the prefix.
_STARTS_WITH = "bucket = ? AND name >= ? AND name < CAST(? AS TEXT)"


class CatalogEntry(NamedTuple):
    info: ObjectInfo
    blob: str


class ObjectCatalog:
    """Which objects there are. Finalized events are queued in the transaction that makes an object visible."""

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
        """Let the name stand for the blob; return also the blob it stood for before, to be removed after the commit.

        Raises Conflict when its generation is not `if_generation` (0 = absent).
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
        """Return the blobs that no name stands for any more, here and below: to be removed after the commit."""
        with self._db.transaction() as connection:
            rows = connection.execute(
                "DELETE FROM objects WHERE bucket = ? AND name = ? RETURNING blob", (bucket, name)
            )
            return [row["blob"] for row in rows.fetchall()]

    def remove_prefix(self, bucket: str, prefix: str) -> list[str]:
        with self._db.transaction() as connection:
            rows = connection.execute(
                f"DELETE FROM objects WHERE {_STARTS_WITH} RETURNING blob",  # noqa: S608  # a constant
                (bucket, prefix, prefix.encode() + b"\xff"),
            )
            return [row["blob"] for row in rows.fetchall()]

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        """By name; read page by page, so that no transaction stays open between."""
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
