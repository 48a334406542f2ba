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
    hashes: Sequence[tuple[str, int]], max_distance: int, sort_key: Callable[[str], Any] = lambda name: name
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
    distinct, code_index = np.unique(values, return_inverse=True)
    parents = np.arange(len(distinct))
    for first, second in near_pairs(distinct, max_distance):
        _join_edges(parents, first, second)
    return _map_to_best(hashes, _find_roots(parents, code_index), sort_key)


def hamming_distance(first: int, second: int) -> int:
    """In how many bits two hashes differ."""
    return (first ^ second).bit_count()


def _map_to_best(hashes: Sequence[tuple[str, int]], group: Indices, sort_key: Callable[[str], Any]) -> dict[str, str]:
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    best_by_id = {}
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        members = [hashes[index][0] for index in order[start : start + size]]
        best_id = min(members, key=sort_key)
        best_by_id.update(dict.fromkeys(members, best_id))
    return best_by_id


def _join_edges(parents: Indices, first: Indices, second: Indices) -> None:
    """Let both ends of each edge have the same root: parents are always smaller, so that there is no circle."""
    while len(first):
        first, second = _find_roots(parents, first), _find_roots(parents, second)
        differ = first != second
        first, second = first[differ], second[differ]
        parents[np.maximum(first, second)] = np.minimum(first, second)  # one edge of a root wins, the others come again


def _find_roots(parents: Indices, nodes: Indices) -> Indices:
    roots = parents[nodes]
    while not np.array_equal(above := parents[roots], roots):
        roots = above
    parents[nodes] = roots
    return roots
