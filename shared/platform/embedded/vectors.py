"""Exact nearest neighbours by cosine distance."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shared.platform.ports import Vector

BATCH = 1024
"""Vectors that are in memory at once."""
MARGIN = 1e-4
"""More than the cosine of two directions of MAX_DIMENSIONS floats of 32 bits can be wrong by."""


def unit_vector(vector: Vector) -> bytes | None:
    """The vector made 1 long, as floats of 32 bits; None when it points nowhere."""
    length = math.hypot(*vector.values)
    return array("f", [value / length for value in vector.values]).tobytes() if length else None


def nearest_candidates(stored: Iterable[tuple[int, bytes]], to: Vector, limit: int) -> list[int]:
    """The numbers of all stored directions that may be among the `limit` nearest; all have the length of `to`."""
    import numpy as np

    target = np.frombuffer(unit_vector(to) or b"", dtype=np.float32)
    numbers, cosines = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    for batch in _batches(stored):
        directions = np.frombuffer(b"".join(data for _, data in batch), dtype=np.float32)
        numbers = np.concatenate([numbers, np.array([number for number, _ in batch], dtype=np.int64)])
        # Not `@`: BLAS would start threads that get in each other's way, for something that only waits for memory.
        cosines = np.concatenate([cosines, np.vecdot(directions.reshape(len(batch), -1), target)])
        if len(cosines) > limit:
            is_near = cosines >= np.partition(cosines, -limit)[-limit] - MARGIN
            numbers, cosines = numbers[is_near], cosines[is_near]
    return [int(number) for number in numbers]


def cosine_distance(vector: Vector, other: Vector) -> float:
    """Their cosine distance, 0 to 2."""
    lengths = math.hypot(*vector.values), math.hypot(*other.values)
    shares = (a / lengths[0] * (b / lengths[1]) for a, b in zip(vector.values, other.values, strict=True))
    return min(2.0, max(0.0, 1 - math.fsum(shares)))


def _batches(stored: Iterable[tuple[int, bytes]]) -> Iterator[Sequence[tuple[int, bytes]]]:
    rows = iter(stored)
    while batch := list(islice(rows, BATCH)):
        yield batch
