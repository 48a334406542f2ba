"""Comparison of a dataset's images with each other: groups of near duplicates, and outliers.

Near duplicates are images whose perceptual hashes differ in few bits. Their groups are connected components, which do
not depend on the order of images, and two near images are never in different groups: a split by group cannot leak. The
ends of a chain may differ in more bits than the limit; a finding states the distance to the image that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations, pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 16
MIN_IMAGES = 20
"""Fewer images are too few to tell what is usual."""
Codes = NDArray[np.uint64]
Indices = NDArray[np.intp]
Pairs = tuple[Indices, Indices]
Values = NDArray[np.float32]
_BITS = 64
_MIN_BANDS = 3
"""Bands have at most 22 bits, so that the table of where each key starts takes 16 MB."""
_PAIR_BATCH = 1 << 20
_LOOKUP_COST, _TABLE_COST = 5.0, 8.0
"""Measured cost of looking up a key and of an entry in the table, in comparisons of two codes."""
_SAMPLE = 1000
_NEIGHBOUR_RANK = 5
_ROW_BATCH = 4096
_NORMAL_SCALE = 1.4826  # standard deviation of a normal distribution, in its median absolute deviations


def near_duplicates(
    hashes: Sequence[tuple[str, int]], max_distance: int, sort_key: Callable[[str], Any] = lambda name: name
) -> dict[str, str]:
    """Map each id that has near duplicates to the id of the best image of its group, itself included.

    Args:
        hashes: Unique ids with 64-bit hashes.
        max_distance: In bits, 0 to 16. Above about 10, unlike images match by chance.
        sort_key: Unique sort key of an id; the image with the least key is the best of a group. By default the id.

    Exact: finds every pair. A million hashes take some seconds and 200 MB (`benchmarks/images.py`).
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
    """Return the number of bits in which two hashes differ."""
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
    """Give both ends of each edge the same root. A parent is always smaller than its child, so there is no cycle."""
    while len(first):
        first, second = _find_roots(parents, first), _find_roots(parents, second)
        differ = first != second
        first, second = first[differ], second[differ]
        # One edge of each root wins; the others follow in the next pass.
        parents[np.maximum(first, second)] = np.minimum(first, second)


def _find_roots(parents: Indices, nodes: Indices) -> Indices:
    roots = parents[nodes]
    while not np.array_equal(above := parents[roots], roots):
        roots = above
    parents[nodes] = roots
    return roots


@dataclass(frozen=True)
class HashBand:
    """The `width` bits of the codes from `shift` on. Each near pair differs in at most `radius` bits of some band."""

    shift: int
    width: int
    radius: int

    @property
    def flips(self) -> list[int]:
        """All ways to flip at most `radius` of the bits."""
        return [
            sum(1 << bit for bit in bits)
            for changed in range(self.radius + 1)
            for bits in combinations(range(self.width), changed)
        ]


def near_pairs(codes: Codes, max_distance: int) -> Iterator[Pairs]:
    """Yield positions of codes that differ in at most `max_distance` bits, by multi-index hashing.

    Yields at most one or two million pairs at a time, each pair at least once. Codes must be distinct (`np.unique`).
    """
    for band in plan_bands(len(codes), max_distance):
        keys = (codes >> np.uint64(band.shift)).astype(np.int64) & ((1 << band.width) - 1)
        order = np.argsort(keys, kind="stable")
        table = np.zeros((1 << band.width) + 1, np.int32)
        np.cumsum(np.bincount(keys, minlength=1 << band.width), out=table[1:])
        present = np.unique(keys)
        ordered = codes[order]
        for flip in band.flips:
            for first, second in _candidate_pairs(table, present, flip):
                near = np.bitwise_count(ordered[first] ^ ordered[second]) <= max_distance
                if near.any():
                    yield order[first[near]], order[second[near]]


def plan_bands(count: int, max_distance: int) -> list[HashBand]:
    """Return the bands with the least expected cost of comparing `count` random codes."""
    if max_distance == 0 or count < 2:
        return []
    numbers = range(_MIN_BANDS, max(_MIN_BANDS, max_distance + 1) + 1)
    return min(
        (_split_bands(number, max_distance) for number in numbers), key=lambda bands: _comparison_cost(bands, count)
    )


def _split_bands(number: int, max_distance: int) -> list[HashBand]:
    radii = max(0, max_distance - number + 1)
    cuts = [_BITS * part // number for part in range(number + 1)]
    return [
        HashBand(shift, end - shift, radii // number + (index < radii % number))
        for index, (shift, end) in enumerate(pairwise(cuts))
    ]


def _comparison_cost(bands: list[HashBand], count: int) -> float:
    """Return the expected cost, in comparisons of two codes."""
    cost = 0.0
    for band in bands:
        keys = 1 << band.width
        flips = sum(comb(band.width, changed) for changed in range(band.radius + 1))
        cost += _TABLE_COST * keys + flips * (_LOOKUP_COST * min(count, keys) / 2 + count * count / 2 / keys)
    return cost


def _candidate_pairs(table: NDArray[np.int32], present: Indices, flip: int) -> Iterator[Pairs]:
    """Yield positions, in the order of keys, of codes whose keys differ by exactly `flip`; each pair once."""
    if flip:
        present = present[present & (1 << flip.bit_length() - 1) == 0]
        other, others = _key_blocks(table, present ^ flip)
        matched = others > 0
        start, size = _key_blocks(table, present[matched])
        first = _concatenate_ranges(start, size)
        second, seconds = np.repeat(other[matched], size), np.repeat(others[matched], size)
    else:
        start, size = _key_blocks(table, present)
        first = _concatenate_ranges(start, size)
        second = first + 1
        seconds = np.repeat(start + size, size) - second
    ends = np.cumsum(seconds)
    cuts = np.searchsorted(ends, np.arange(0, ends[-1] if len(ends) else 0, _PAIR_BATCH))
    for low, high in pairwise([*cuts.tolist(), len(first)]):
        yield np.repeat(first[low:high], seconds[low:high]), _concatenate_ranges(second[low:high], seconds[low:high])


def _key_blocks(table: NDArray[np.int32], keys: Indices) -> Pairs:
    """Return where the codes of each key start, and their number."""
    start = table[keys].astype(np.intp)
    return start, table[keys + 1] - start


def _concatenate_ranges(start: Indices, size: Indices) -> Indices:
    """Concatenate the ranges of `size` numbers from `start`."""
    before = np.cumsum(size) - size
    return np.repeat(start - before, size) + np.arange(size.sum())


def outlier_scores(features: Sequence[tuple[str, Sequence[float]]], limit: float) -> dict[str, float]:
    """Return the images with a score above `limit` (see `Thresholds.max_outlier`), with their scores.

    Uses the distance to the fifth nearest image of a sample (Ramaswamy, Rastogi & Shim, SIGMOD 2000; with samples:
    Sugiyama & Borgwardt, NIPS 2013), so that different kinds of images in a dataset are no outliers to each other. The
    score is the modified z-score of its logarithm: deviations from the median, in median absolute deviations (Iglewicz
    & Hoaglin, 1993, who propose 3.5). Hashes of the ids choose the sample, so scores do not depend on the order.

    Args:
        features: Unique ids with the `features` of an inspection at level slow, all of one length.
    """
    if len(features) < MIN_IMAGES:
        return {}
    ordered = sorted(features, key=lambda row: sha256(row[0].encode()).digest())
    values = _normalize_features(np.array([row[1] for row in ordered], np.float64))
    distances = np.concatenate(
        [
            _neighbour_distances(values[start : start + _ROW_BATCH], values[:_SAMPLE], start)
            for start in range(0, len(values), _ROW_BATCH)
        ]
    )
    logarithms = np.log(np.maximum(distances, 1.0))
    median, spread = _median_and_spread(logarithms)
    scores = (logarithms - median) / max(float(spread), 0.05)
    return {ordered[index][0]: float(scores[index]) for index in np.flatnonzero(scores > limit)}


def _normalize_features(values: NDArray[np.float64]) -> Values:
    """Scale each feature by its median and spread, of at least 1: invisible differences do not count more."""
    median, spread = _median_and_spread(values)
    return ((values - median) / np.maximum(spread, 1.0)).astype(np.float32)


def _median_and_spread(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    median = np.median(values, axis=0)
    return median, _NORMAL_SCALE * np.median(np.abs(values - median), axis=0)


def _neighbour_distances(rows: Values, sample: Values, first: int) -> NDArray[np.float64]:
    """Return the Euclidean distance of each row to the fifth nearest other row of the sample.

    `first` is the index of the first row.
    """
    squares = (rows**2).sum(axis=1)[:, None] + (sample**2).sum(axis=1) - 2 * (rows @ sample.T)
    own = np.arange(first, min(first + len(rows), len(sample)))
    squares[own - first, own] = np.inf
    nearest = np.partition(squares, _NEIGHBOUR_RANK - 1, axis=1)[:, _NEIGHBOUR_RANK - 1]
    return np.asarray(np.sqrt(np.maximum(nearest, 0)), np.float64)
