"""The vectors of passages in memory, for searches among many of them: exact, and kept up to date by each search.

A library of 100 000 passages with vectors of 384 numbers takes 160 MB, in the processes that search only.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.platform.ports import Filter, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLLECTIONS = ("segments", "screens")
"""Collections whose documents are searched. The triggers of the table `words` repeat them."""
KEYS = {"owner": "owner", "videoId": "video", "model": "model"}
"""Fields of filters that the index serves, with their columns in the table `vectors`."""
MARGIN = 1e-4
"""Exceeds the error of a cosine of MAX_DIMENSIONS floats of 32 bits."""
BATCH = 4096
"""Vectors read at once."""
SPARE_SHARE = 1 / 8
"""Room for vectors to come, as a share of those there are."""


def is_indexed(collection: str, filters: Sequence[Filter]) -> bool:
    """Return True if a VectorIndex can answer a search with these filters."""
    return collection in COLLECTIONS and all(
        path in KEYS and all(isinstance(value, str) for value in _choices(op, operand)) for path, op, operand in filters
    )


@dataclass
class _Codes:
    """Numbers of the texts in one column."""

    column: NDArray[np.int32]
    by_text: dict[str, int] = field(default_factory=dict)

    def encode(self, texts: Iterable[str]) -> list[int]:
        return [self.by_text.setdefault(text, len(self.by_text)) for text in texts]


class VectorIndex:
    """All vectors of one collection, field and size. Thread-safe."""

    def __init__(self, collection: str, field: str, size: int) -> None:
        import numpy as np

        self._scope = (collection, field, size)
        self._lock = threading.Lock()
        self._count = self._last_change = 0
        self._numbers = np.empty(0, np.int64)
        self._directions = np.empty((0, size), np.float32)
        self._codes = {path: _Codes(np.empty(0, np.int32)) for path in KEYS}

    def nearest(
        self, connection: sqlite3.Connection, to: NDArray[np.float32], limit: int, filters: Sequence[Filter]
    ) -> list[int]:
        """Return the numbers of all documents that may be among the `limit` nearest."""
        import numpy as np

        with self._lock:
            self._update(connection)
            is_match = np.ones(self._count, bool)
            for path, op, operand in filters:
                codes = self._codes[path]
                # One more, for texts that are in no document.
                allowed = np.zeros(len(codes.by_text) + 1, bool)
                allowed[[codes.by_text.get(text, -1) for text in _choices(op, operand)]] = True
                allowed[-1] = False
                is_match &= allowed[codes.column[: self._count]]
            rows = np.flatnonzero(is_match)
            # Not `@`: BLAS would start competing threads for work that is limited by memory.
            if len(rows) * 4 > self._count:
                cosines = np.vecdot(self._directions[: self._count], to)[rows]
            else:
                cosines = np.vecdot(self._directions[rows], to)
            if len(rows) > limit:
                rows = rows[cosines >= np.partition(cosines, -limit)[-limit] - MARGIN]
            return [int(number) for number in self._numbers[rows]]

    def _update(self, connection: sqlite3.Connection) -> None:
        """Read what was written since the last update."""
        import numpy as np

        scope = "collection = ? AND field = ? AND size = ?"
        cursor = connection.execute(
            f"SELECT change, document, owner, video, model, direction FROM vectors"  # noqa: S608
            f" WHERE {scope} AND change > ? ORDER BY change",
            [*self._scope, self._last_change],
        )
        while rows := cursor.fetchmany(BATCH):
            self._last_change = rows[-1]["change"]
            numbers = np.array([row["document"] for row in rows], np.int64)
            self._keep(~np.isin(self._numbers[: self._count], numbers))
            self._append(numbers, rows)
        count = connection.execute(f"SELECT count(*) FROM vectors WHERE {scope}", self._scope).fetchone()[0]  # noqa: S608
        if count != self._count:
            stored = connection.execute(f"SELECT document FROM vectors WHERE {scope}", self._scope)  # noqa: S608
            self._keep(np.isin(self._numbers[: self._count], np.array([row["document"] for row in stored], np.int64)))

    def _keep(self, is_kept: NDArray[np.bool_]) -> None:
        """Remove the other rows."""
        if is_kept.all():
            return
        count = int(is_kept.sum())
        for column in self._columns():
            column[:count] = column[: self._count][is_kept]
        self._count = count

    def _append(self, numbers: NDArray[np.int64], rows: Sequence[sqlite3.Row]) -> None:
        import numpy as np

        start, end = self._count, self._count + len(rows)
        if end > len(self._numbers):
            room = end + int(end * SPARE_SHARE)
            self._numbers = _resized(self._numbers, room)
            self._directions = _resized(self._directions, room)
            for codes in self._codes.values():
                codes.column = _resized(codes.column, room)
        self._numbers[start:end] = numbers
        for at, row in enumerate(rows, start):
            self._directions[at] = np.frombuffer(row["direction"], np.float32)
        for path, codes in self._codes.items():
            codes.column[start:end] = codes.encode(row[KEYS[path]] for row in rows)
        self._count = end

    def _columns(self) -> list[NDArray[Any]]:
        return [self._numbers, self._directions, *(codes.column for codes in self._codes.values())]


def _resized(column: NDArray[Any], length: int) -> NDArray[Any]:
    import numpy as np

    result = np.empty((length, *column.shape[1:]), column.dtype)
    result[: len(column)] = column
    return result


def _choices(op: str, operand: Any) -> Sequence[Any]:
    return operand if op == "in" else [operand]


class VectorIndexes:
    """The indexes of a process, made at the first search of their collection, field and size."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._indexes: dict[tuple[str, str, int], VectorIndex] = {}

    def nearest(
        self,
        connection: sqlite3.Connection,
        collection: str,
        field: str,
        to: Vector,
        limit: int,
        filters: Sequence[Filter],
    ) -> list[int]:
        """Return the numbers of all documents that may be among the `limit` nearest."""
        import numpy as np

        with self._lock:
            key = (collection, field, len(to.values))
            if key not in self._indexes:
                self._indexes[key] = VectorIndex(*key)
            index = self._indexes[key]
        target = np.array(to.values, np.float64)
        return index.nearest(connection, (target / np.linalg.norm(target)).astype(np.float32), limit, filters)


def key_columns(data: Mapping[str, Any]) -> list[str]:
    """Return a document's values for the columns of KEYS; "" for what it lacks."""
    values = (data.get(path) for path in KEYS)
    return [value if isinstance(value, str) else "" for value in values]
