"""Versioned documents in SQLite, with an exact search for nearest vectors."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from shared.errors import AlreadyExists, Conflict
from shared.platform.embedded.codec import decode_document, encode_document
from shared.platform.embedded.database import Database
from shared.platform.embedded.document_watcher import DocumentWatcher
from shared.platform.embedded.fields import filter_condition, sort_key, type_rank_sql, value_sql
from shared.platform.ports import Document, DocumentPage, Filter, Order, Unsubscribe, Vector, check_nearest_query

BATCH = 1024
"""Number of vectors in memory at once."""
MARGIN = 1e-4
"""Exceeds the error of a cosine of MAX_DIMENSIONS floats of 32 bits."""
WORD_INDEX = ("segments", "words", "array_contains")
"""The only search in lists that has an index: see the table `words`."""


class SqliteDocuments:
    """The port `Documents`. All writes raise ValueError on data that a document cannot hold."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watcher = DocumentWatcher(db, self.get)

    def get(self, collection: str, id: str) -> Document | None:
        row = self._db.connection.execute(
            "SELECT id, version, data FROM documents WHERE collection = ? AND id = ?", (collection, id)
        ).fetchone()
        return row and _document(row)

    def create(self, collection: str, id: str, data: dict[str, Any]) -> str:
        _check_document_id(id)
        text, version = encode_document(data), _new_version()
        try:
            with self._db.transaction() as connection:
                row = connection.execute(
                    "INSERT INTO documents (collection, id, version, data) VALUES (?, ?, ?, ?) RETURNING number",
                    (collection, id, version, text),
                ).fetchone()
                _store_vectors(connection, row["number"], data)
        except sqlite3.IntegrityError:
            raise AlreadyExists(f"{collection}/{id}") from None
        return version

    def replace(self, collection: str, id: str, data: dict[str, Any], version: str) -> str:
        text, new = encode_document(data), _new_version()
        with self._db.transaction() as connection:
            row = connection.execute(
                "UPDATE documents SET version = ?, data = ? WHERE collection = ? AND id = ? AND version = ?"
                " RETURNING number",
                (new, text, collection, id, version),
            ).fetchone()
            if row is None:
                raise Conflict(f"{collection}/{id}")
            _store_vectors(connection, row["number"], data)
        return new

    def put(self, collection: str, id: str, data: dict[str, Any]) -> str:
        _check_document_id(id)
        text, version = encode_document(data), _new_version()
        with self._db.transaction() as connection:
            row = connection.execute(
                "INSERT INTO documents (collection, id, version, data) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET version = excluded.version, data = excluded.data RETURNING number",
                (collection, id, version, text),
            ).fetchone()
            _store_vectors(connection, row["number"], data)
        return version

    def delete(self, collection: str, id: str) -> None:
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (collection, id))

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
        form = _query_form(collection, filters, order)
        where, parameters = _where_clause(collection, filters)
        where += "".join(f" AND {type_rank_sql(path)} IS NOT NULL" for path, _ in order)
        direction = order[-1][1] if order else "asc"
        keys = [(sql(path), way) for path, way in order for sql in (type_rank_sql, value_sql)]
        # The plus keeps SQLite from scanning all segments by id although an index serves the other filters.
        keys.append(("+id" if any(map(partial(_is_word_filter, collection), filters)) else "id", direction))
        if cursor is not None:
            sql, values = _after_cursor(keys, _read_cursor(cursor, form, len(keys)))
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
        next_cursor = _write_cursor([rows[-1][f"k{n}"] for n in range(len(keys))], form) if has_more else None
        return DocumentPage([_document(row) for row in rows], next_cursor)

    def nearest(
        self, collection: str, field: str, to: Vector, limit: int, filters: Sequence[Filter] = ()
    ) -> Sequence[tuple[Document, float]]:
        check_nearest_query(field, to, limit, filters)
        where, parameters = _where_clause(collection, filters)
        rows = self._db.connection.execute(
            "SELECT number, direction FROM documents JOIN vectors ON document = number"  # noqa: S608
            f" WHERE {where} AND field = ? AND length(direction) = ?",
            [*parameters, field, 4 * len(to.values)],
        )
        documents = filter(None, map(self._read_by_number, nearest_candidates(rows, to, limit)))
        # Any of them may have changed meanwhile.
        results = [
            (document, cosine_distance(stored, to))
            for document in documents
            if isinstance(stored := document.data.get(field), Vector) and len(stored.values) == len(to.values)
        ]
        return sorted(results, key=lambda pair: (pair[1], pair[0].id))[:limit]

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


def _where_clause(collection: str, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
    parts: list[str] = ["collection = ?"]
    parameters: list[Any] = [collection]
    for filter in filters:
        sql, values = _word_condition(filter) if _is_word_filter(collection, filter) else filter_condition(filter)
        parts.append(sql)
        parameters += values
    return " AND ".join(parts), parameters


def _is_word_filter(collection: str, filter: Filter) -> bool:
    return (collection, *filter[:2]) == WORD_INDEX


def _word_condition(filter: Filter) -> tuple[str, list[Any]]:
    return "EXISTS (SELECT 1 FROM words WHERE word = ? AND document = number)", [sort_key(filter[2])[1]]


def _store_vectors(connection: sqlite3.Connection, number: int, data: dict[str, Any]) -> None:
    """Update the vectors that searches read after a write of their document."""
    connection.execute("DELETE FROM vectors WHERE document = ?", (number,))
    for field, stored in data.items():
        if isinstance(stored, Vector) and (numbers := unit_vector(stored)):
            connection.execute("INSERT INTO vectors VALUES (?, ?, ?)", (number, field, numbers))


def _check_document_id(id: str) -> None:
    if not id or "/" in id:
        raise ValueError(f"{id!r} cannot be a document's id: it is empty or has a slash")


def _new_version() -> str:
    """Return a version that never repeats, so that a document created again differs from the deleted one."""
    return secrets.token_hex(8)


def _after_cursor(keys: Sequence[tuple[str, str]], last: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition that a row follows `last` in the order of `keys`."""
    names = [sql for sql, _ in keys]
    if len({way for _, way in keys}) == 1:
        # A row value lets SQLite start in the middle of an index.
        sign = ">" if keys[0][1] == "asc" else "<"
        return f"({', '.join(names)}) {sign} ({', '.join('?' * len(names))})", list(last)
    branches: list[str] = []
    parameters: list[Any] = []
    for n, (sql, way) in enumerate(keys):
        equal = [f"{name} = ?" for name in names[:n]]
        branches.append(" AND ".join([*equal, f"{sql} {'>' if way == 'asc' else '<'} ?"]))
        parameters += last[: n + 1]
    return "(" + " OR ".join(branches) + ")", parameters


def _query_form(collection: str, filters: Sequence[Filter], order: Sequence[Order]) -> str:
    """Return a digest of the query a cursor belongs to, without the filters' values: one such as «now» may change."""
    text = repr((collection, [(path, op) for path, op, _ in filters], [tuple(part) for part in order]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write_cursor(last: list[Any], form: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([form, *last]).encode()).decode()


def _read_cursor(cursor: str, form: str, length: int) -> list[Any]:
    try:
        cursor_form: str
        last: list[Any]
        cursor_form, *last = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        raise ValueError("not a cursor") from None
    if cursor_form != form or len(last) != length:
        raise ValueError("the cursor belongs to another query")
    return last


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
