"""Versioned documents in SQLite, with an exact search for nearest vectors."""

from __future__ import annotations

import math
import secrets
import sqlite3
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from shared.errors import AlreadyExists, Conflict
from shared.platform.cursors import query_form, read_cursor, write_cursor
from shared.platform.embedded.codec import decode_document, encode_document, escape_nul
from shared.platform.embedded.database import Database
from shared.platform.embedded.document_watcher import DocumentWatcher
from shared.platform.embedded.fields import MAX_CHOICES, after_cursor, filter_condition, type_rank_sql, value_sql
from shared.platform.embedded.schema import index_scope
from shared.platform.embedded.vector_index import KEYS, MARGIN, VectorIndexes, is_indexed, key_columns
from shared.platform.port_checks import check_matching_query, check_nearest_query, check_writes
from shared.platform.ports import (
    EXPIRES_AT,
    Document,
    DocumentPage,
    Filter,
    Matches,
    Order,
    Unsubscribe,
    Vector,
)

BATCH = 1024
"""Number of vectors in memory at once."""
MOST = 2000
"""Documents with one value that a search by values considers; a value in more of them says little."""
WORDS = "words"
"""The only list that `matching` can search: see the table of this name."""


class SqliteDocuments:
    """The port `Documents`. All writes raise ValueError on data that a document cannot hold."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watcher = DocumentWatcher(db, self.get)
        self._vectors = VectorIndexes()

    def get(self, collection: str, id: str) -> Document | None:
        row = self._db.connection.execute(
            "SELECT id, version, data FROM documents WHERE collection = ? AND id = ?", (collection, id)
        ).fetchone()
        return row and _document(row)

    def create(self, collection: str, id: str, data: dict[str, Any]) -> str:
        text, version = _encode(id, data), _new_version()
        with self._db.transaction("documents") as connection:
            if not _insert(connection, collection, id, version, text, data):
                raise AlreadyExists(f"{collection}/{id}")
        return version

    def create_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> Sequence[str]:
        check_writes(documents)
        texts = {id: _encode(id, data) for id, data in documents.items()}
        with self._db.transaction("documents") as connection:
            return [
                id
                for id, data in documents.items()
                if not _insert(connection, collection, id, _new_version(), texts[id], data)
            ]

    def replace(self, collection: str, id: str, data: dict[str, Any], version: str) -> str:
        text, new = encode_document(data), _new_version()
        with self._db.transaction("documents") as connection:
            row = connection.execute(
                "UPDATE documents SET version = ?, data = ? WHERE collection = ? AND id = ? AND version = ?"
                " RETURNING number",
                (new, text, collection, id, version),
            ).fetchone()
            if row is None:
                raise Conflict(f"{collection}/{id}")
            _store_vectors(connection, row["number"], collection, data)
        return new

    def update_many(self, collection: str, changes: Sequence[Document]) -> Sequence[str]:
        check_writes(changes)
        conflicts = []
        with self._db.transaction("documents"):
            for change in changes:
                stored = self.get(collection, change.id)
                if stored is None or stored.version != change.version:
                    conflicts.append(change.id)
                    continue
                self.replace(collection, change.id, stored.data | change.data, change.version)
        return conflicts

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        text, version = _encode(id, data), _new_version()
        with self._db.transaction("documents") as connection:
            _upsert(connection, collection, id, version, text, data)
        return version

    def put_many(self, collection: str, documents: Mapping[str, dict[str, Any]]) -> None:
        check_writes(documents)
        texts = {id: _encode(id, data) for id, data in documents.items()}
        with self._db.transaction("documents") as connection:
            for id, data in documents.items():
                _upsert(connection, collection, id, _new_version(), texts[id], data)

    def delete(self, collection: str, id: str) -> None:
        with self._db.transaction("documents") as connection:
            connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (collection, id))

    def delete_expired(self, collection: str, before: datetime, limit: int) -> int:
        page = self.query(collection, [(EXPIRES_AT, "<=", before)], [(EXPIRES_AT, "asc")], limit)
        with self._db.transaction("documents"):
            for document in page.documents:
                self.delete(collection, document.id)
        return len(page.documents)

    def query(
        self,
        collection: str,
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> DocumentPage:
        if limit < 1:
            raise ValueError("limit must be at least 1")
        form = query_form(collection, filters, order)
        where, parameters = _where_clause(collection, filters)
        where += "".join(f" AND {type_rank_sql(path)} IS NOT NULL" for path, _ in order)
        direction = order[-1][1] if order else "asc"
        keys = [(sql(path), way) for path, way in order for sql in (type_rank_sql, value_sql)]
        keys.append(("id", direction))
        if cursor is not None:
            sql, values = after_cursor(keys, read_cursor(cursor, form, len(keys)))
            where += f" AND {sql}"
            parameters += values
        rows = self._db.connection.execute(
            f"SELECT version, data, {', '.join(f'{sql} AS k{n}' for n, (sql, _) in enumerate(keys))}, id"  # noqa: S608
            f" FROM documents WHERE {where}"
            f" ORDER BY {', '.join(f'{sql} {way}' for sql, way in keys)} LIMIT ?",
            [*parameters, limit + 1],
        ).fetchall()
        has_more = len(rows) > limit
        rows = rows[:limit]
        next_cursor = write_cursor(form, [rows[-1][f"k{n}"] for n in range(len(keys))]) if has_more else None
        return DocumentPage([_document(row) for row in rows], next_cursor)

    def count(self, collection: str, filters: Sequence[Filter], limit: int) -> int:
        where, parameters = _where_clause(collection, filters)
        row = self._db.connection.execute(
            f"SELECT count(*) AS n FROM (SELECT 1 FROM documents WHERE {where} LIMIT ?)",  # noqa: S608
            [*parameters, limit],
        ).fetchone()
        return int(row["n"])

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        check_nearest_query(field, to, limit, filters)
        connection = self._db.connection
        if is_indexed(collection, filters):
            numbers = self._vectors.nearest(connection, collection, field, to, limit, filters)
        else:
            where, parameters = _where_clause(collection, filters, sys.maxsize)
            rows = connection.execute(
                "SELECT document, direction FROM vectors WHERE field = ? AND size = ?"  # noqa: S608
                f" AND document IN (SELECT number FROM documents WHERE {where})",
                [field, len(to.values), *parameters],
            )
            numbers = nearest_candidates(rows, to, limit)
        documents = filter(None, map(self._read_by_number, numbers))
        # Any of them may have changed meanwhile.
        results = [
            (document, cosine_distance(stored, to))
            for document in documents
            if isinstance(stored := document.data.get(field), Vector) and len(stored.values) == len(to.values)
        ]
        return sorted(results, key=lambda pair: (pair[1], pair[0].id))[:limit]

    def matching(
        self, collection: str, field: str, values: Sequence[str], limit: int, filters: Sequence[Filter] = ()
    ) -> Matches:
        check_matching_query(field, limit, filters)
        if field != WORDS or not is_indexed(collection, filters):
            raise ValueError(f"{collection} has no index for {field} with these filters")
        conditions = ["word = ?", "collection = ?"]
        parameters: list[Any] = [collection]
        for path, op, operand in filters:
            choices = operand if op == "in" else [operand]
            conditions.append(f"{KEYS[path]} IN ({', '.join('?' * len(choices))})")
            parameters += choices
        sql = f"SELECT document FROM words WHERE {' AND '.join(conditions)} LIMIT ?"  # noqa: S608
        numbers = {
            value: [row["document"] for row in self._db.connection.execute(sql, [escape_nul(value), *parameters, MOST])]
            for value in values
        }
        scores: Counter[int] = Counter()
        for having in numbers.values():
            scores.update(dict.fromkeys(having, 1 / len(having)) if having else {})
        best = sorted(scores, key=lambda number: (-scores[number], number))[:limit]
        counts = {value: len(having) for value, having in numbers.items()}
        return Matches(list(filter(None, map(self._read_by_number, best))), counts)

    def _read_by_number(self, number: int) -> Document | None:
        row = self._db.connection.execute(
            "SELECT id, version, data FROM documents WHERE number = ?", (number,)
        ).fetchone()
        return row and _document(row)

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        """The callbacks of all watches of this process share one thread: keep them short."""
        return self._watcher.watch(collection, id, on_change)


def _document(row: sqlite3.Row) -> Document:
    return Document(row["id"], decode_document(row["data"]), row["version"])


def _where_clause(collection: str, filters: Sequence[Filter], max_choices: int = MAX_CHOICES) -> tuple[str, list[Any]]:
    parts = ["collection = ?", index_scope(collection)]
    parameters: list[Any] = [collection]
    for filter in filters:
        sql, values = filter_condition(filter, max_choices)
        parts.append(sql)
        parameters += values
    return " AND ".join(parts), parameters


def _insert(
    connection: sqlite3.Connection, collection: str, id: str, version: str, text: str, data: dict[str, Any]
) -> bool:
    """Insert a document; return False if the id exists."""
    row = connection.execute(
        "INSERT INTO documents (collection, id, version, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (collection, id) DO NOTHING RETURNING number",
        (collection, id, version, text),
    ).fetchone()
    if row is None:
        return False
    _insert_vectors(connection, row["number"], collection, data)
    return True


def _upsert(
    connection: sqlite3.Connection, collection: str, id: str, version: str, text: str, data: dict[str, Any]
) -> None:
    row = connection.execute(
        "INSERT INTO documents (collection, id, version, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (collection, id) DO UPDATE SET version = excluded.version, data = excluded.data RETURNING number",
        (collection, id, version, text),
    ).fetchone()
    _store_vectors(connection, row["number"], collection, data)


def _store_vectors(connection: sqlite3.Connection, number: int, collection: str, data: dict[str, Any]) -> None:
    """Update the vectors that searches read after a write of their document."""
    connection.execute("DELETE FROM vectors WHERE document = ?", (number,))
    _insert_vectors(connection, number, collection, data)


def _insert_vectors(connection: sqlite3.Connection, number: int, collection: str, data: dict[str, Any]) -> None:
    for field, stored in data.items():
        if isinstance(stored, Vector) and (numbers := unit_vector(stored)):
            values = (number, collection, field, len(stored.values), *key_columns(data), numbers)
            connection.execute(
                "INSERT INTO vectors (document, collection, field, size, owner, video, model, direction)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )


def _encode(id: str, data: dict[str, Any]) -> str:
    """Return the text to store; raises ValueError on an invalid id or data."""
    if not id or "/" in id:
        raise ValueError(f"{id!r} cannot be a document's id: it is empty or has a slash")
    return encode_document(data)


def _new_version() -> str:
    """Return a version that never repeats, so that a document created again differs from the deleted one."""
    return secrets.token_hex(8)


def unit_vector(vector: Vector) -> bytes | None:
    """Return the vector normalized to length 1, as floats of 32 bits; None if it is all zeros."""
    length = math.hypot(*vector.values)
    return array("f", [value / length for value in vector.values]).tobytes() if length else None


def nearest_candidates(stored: Iterable[tuple[int, bytes]], to: Vector, limit: int) -> list[int]:
    """Return the numbers of all directions that may be among the `limit` nearest; all have as many numbers as `to`."""
    import numpy as np

    target = np.frombuffer(unit_vector(to) or b"", dtype=np.float32)
    numbers, cosines = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    for batch in _batches(stored):
        directions = np.frombuffer(b"".join(data for _, data in batch), dtype=np.float32)
        numbers = np.concatenate([numbers, np.array([number for number, _ in batch], dtype=np.int64)])
        # Not `@`: BLAS would start competing threads for work that is limited by memory.
        cosines = np.concatenate([cosines, np.vecdot(directions.reshape(len(batch), -1), target)])
        if len(cosines) > limit:
            is_near = cosines >= np.partition(cosines, -limit)[-limit] - MARGIN
            numbers, cosines = numbers[is_near], cosines[is_near]
    return [int(number) for number in numbers]


def cosine_distance(vector: Vector, other: Vector) -> float:
    """Return the cosine distance, 0 to 2."""
    lengths = math.hypot(*vector.values), math.hypot(*other.values)
    shares = (a / lengths[0] * (b / lengths[1]) for a, b in zip(vector.values, other.values, strict=True))
    return min(2.0, max(0.0, 1 - math.fsum(shares)))


def _batches(stored: Iterable[tuple[int, bytes]]) -> Iterator[Sequence[tuple[int, bytes]]]:
    rows = iter(stored)
    while batch := list(islice(rows, BATCH)):
        yield batch
