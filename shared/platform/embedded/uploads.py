"""Resumable upload sessions: durable, so that a client can resume after either side restarts."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared import clock
from shared.errors import Conflict, NotFound
from shared.platform.embedded.bus import object_resource
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import Database
from shared.platform.embedded.object_catalog import BlobStore, ObjectCatalog

MAX_SESSIONS = 3
"""Unfinished sessions of one object; a request that is repeated opens another one, and the oldest ends."""


@dataclass(frozen=True)
class StoredUpload:
    """One upload.

    Attributes:
        id: Unguessable; it authorizes the upload.
        size: Of the whole object, in bytes, as announced.
        received: Bytes that are stored durably.
        origin: The web origin that may upload, if one was named.
        resource: The finished object; None before.
    """

    id: str
    bucket: str
    name: str
    content_type: str
    size: int
    blob: str
    received: int
    origin: str | None
    expires_at: datetime
    resource: dict[str, Any] | None

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= clock.deletion_clock.now()


class UploadStore:
    def __init__(self, db: Database, blobs: BlobStore, catalog: ObjectCatalog) -> None:
        self._db = db
        self._blobs = blobs
        self._catalog = catalog
        # A client that resumes while its old connection is still open must not write twice at the same time.
        self._locks = [threading.Lock() for _ in range(64)]

    def start(
        self, bucket: str, name: str, content_type: str, size: int, ttl_sec: int, origin: str | None
    ) -> StoredUpload:
        id, blob = secrets.token_urlsafe(32), self._blobs.new_name()
        expires_at = clock.now() + timedelta(seconds=ttl_sec)
        self._blobs.create(blob).close()
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO uploads (id, bucket, name, content_type, size, blob, origin, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (id, bucket, name, content_type, size, blob, origin, encode_time(expires_at)),
            )
        for forgotten in self._open_sessions(bucket, name)[MAX_SESSIONS:]:
            self.cancel(forgotten)
        return StoredUpload(id, bucket, name, content_type, size, blob, 0, origin, expires_at, None)

    def find(self, id: str) -> StoredUpload | None:
        row = self._db.connection.execute("SELECT * FROM uploads WHERE id = ?", (id,)).fetchone()
        return row and _upload_from_row(row)

    def append(self, id: str, offset: int, piece: bytes) -> StoredUpload:
        """Store bytes durably; with the last of them the object appears.

        Raises NotFound if the session is gone, Conflict if `offset` is not the number of bytes received so far.
        """
        with self._lock_for(id):
            session = self.find(id)
            if session is None:
                raise NotFound(id)
            if session.resource or session.received != offset:
                raise Conflict(id)
            if piece:
                self._blobs.write_at(session.blob, offset, piece)
            replaced = None
            with self._db.transaction() as connection:
                resource = None
                if offset + len(piece) == session.size:
                    info, replaced = self._catalog.add(
                        session.bucket, session.name, session.blob, session.size, session.content_type, {}
                    )
                    resource = json.dumps(object_resource(info))
                row = connection.execute(
                    "UPDATE uploads SET received = ?, resource = ? WHERE id = ? RETURNING *",
                    (offset + len(piece), resource, id),
                ).fetchone()
                if row is None:
                    # Another process deleted the expired session: the object must not appear.
                    raise NotFound(id)
            if replaced:
                self._blobs.remove(replaced)
        return _upload_from_row(row)

    def cancel(self, id: str) -> bool:
        """Delete the session and its bytes; a finished object stays. Return True if no session is left to bring it."""
        with self._lock_for(id):
            with self._db.transaction() as connection:
                row = connection.execute("DELETE FROM uploads WHERE id = ? RETURNING *", (id,)).fetchone()
            if row is None or row["resource"] is not None:
                return False
            self._blobs.remove(row["blob"])
        return not self._open_sessions(row["bucket"], row["name"])

    def cancel_unfinished(self, bucket: str, name: str) -> None:
        """Delete the sessions that have not brought this object yet, with the bytes they have."""
        rows = self._db.connection.execute(
            "SELECT id FROM uploads WHERE bucket = ? AND name = ? AND resource IS NULL", (bucket, name)
        )
        for row in rows.fetchall():
            self.cancel(row["id"])

    def delete_expired(self) -> None:
        """Delete expired sessions."""
        rows = self._db.connection.execute(
            "SELECT id FROM uploads WHERE expires_at <= ?", (encode_time(clock.deletion_clock.now()),)
        )
        for row in rows.fetchall():
            self.cancel(row["id"])

    def _open_sessions(self, bucket: str, name: str) -> list[str]:
        """Return the ids of the unfinished sessions of an object, newest first."""
        rows = self._db.connection.execute(
            "SELECT id FROM uploads WHERE bucket = ? AND name = ? AND resource IS NULL ORDER BY rowid DESC",
            (bucket, name),
        )
        return [row["id"] for row in rows.fetchall()]

    def _lock_for(self, id: str) -> threading.Lock:
        return self._locks[hash(id) % len(self._locks)]


def _upload_from_row(row: sqlite3.Row) -> StoredUpload:
    values = dict(row)
    values["expires_at"] = decode_time(row["expires_at"])
    values["resource"] = json.loads(row["resource"]) if row["resource"] else None
    return StoredUpload(**values)
