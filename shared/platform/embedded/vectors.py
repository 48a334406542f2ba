"""Exact nearest neighbours by cosine distance."""

from __future__ import annotations

from collections.abc import Iterable

from shared.platform.ports import Vector


def nearest_of(stored: Iterable[tuple[str, bytes]], to: Vector, limit: int) -> list[tuple[str, float]]:
    """The ids nearest to `to`, at most `limit`, each with its cosine distance (0 to 2); ties keep their order.

    `stored` gives ids with vectors as bytes of doubles; those of another length or all zeros are passed over.
    """
    import numpy as np

    wanted = np.array(to.values)
    same = [(id, data) for id, data in stored if len(data) == wanted.nbytes]
    if not same:
        return []
    vectors = np.frombuffer(b"".join(data for _, data in same)).reshape(len(same), -1)
    lengths = np.linalg.norm(vectors, axis=1)
    with np.errstate(invalid="ignore"):
        distances = 1 - vectors @ wanted / (lengths * np.linalg.norm(wanted))
    distances[lengths == 0] = np.inf
    order = np.argsort(distances, kind="stable")[:limit]
    return [(same[n][0], float(distances[n])) for n in order if np.isfinite(distances[n])]
