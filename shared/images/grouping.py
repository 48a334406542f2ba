"""Groups of near duplicates: all images whose perceptual hashes differ in few bits, directly or through others.

Groups are the connected components of «at most so many bits apart». Unlike stars around chosen images they need no
order, so they are the same whatever chunk an image came in, and no two near images ever stand in different groups: a
split by group cannot leak. The price is that the ends of a chain may differ in more bits than their neighbours do;
the finding of a member names its distance to the image that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.images.neighbours import near_pairs

MAX_DISTANCE = 16

Indices = NDArray[np.intp]


def near_duplicates(
    hashes: Sequence[tuple[str, int]], max_distance: int, best: Callable[[str], Any] = lambda name: name
) -> dict[str, str]:
    """For each id that has near duplicates, itself included: the id of its group's best.

    Args:
        hashes: Ids, each once, with hashes of 64 bits.
        max_distance: In bits, 0 to 16. Beyond some 10, unlike images meet by chance.
        best: Sort key by id, never equal for two; the least of a group stands for it. By default the id.

    Exact: every pair is found. A million hashes take some seconds and 200 MB (`benchmarks/images.py`).
    """
    if not 0 <= max_distance <= MAX_DISTANCE:
        raise ValueError(f"{max_distance} bits are not between 0 and {MAX_DISTANCE}")
    values = np.fromiter((value for _, value in hashes), np.uint64, len(hashes))
    distinct, which = np.unique(values, return_inverse=True)
    parents = np.arange(len(distinct))
    for one, other in near_pairs(distinct, max_distance):
        _join(parents, one, other)
    return _named(hashes, _roots(parents, which), best)


def distance(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return (one ^ other).bit_count()


def _named(hashes: Sequence[tuple[str, int]], group: Indices, best: Callable[[str], Any]) -> dict[str, str]:
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    named = {}
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        members = [hashes[index][0] for index in order[start : start + size]]
        kept = min(members, key=best)
        named.update(dict.fromkeys(members, kept))
    return named


def _join(parents: Indices, one: Indices, other: Indices) -> None:
    """Let both ends of each edge have the same root: parents are always smaller, so that there is no circle."""
    while len(one):
        one, other = _roots(parents, one), _roots(parents, other)
        apart = one != other
        one, other = one[apart], other[apart]
        parents[np.maximum(one, other)] = np.minimum(one, other)  # one edge of a root wins, the others come again


def _roots(parents: Indices, of: Indices) -> Indices:
    roots = parents[of]
    while not np.array_equal(above := parents[roots], roots):
        roots = above
    parents[of] = roots
    return roots
