"""All pairs of 64-bit codes that differ in few bits, by multi-index hashing.

After Norouzi, Punjani & Fleet, «Fast search in Hamming space with multi-index hashing» (CVPR 2012): cut the codes into
bands; by the pigeonhole principle two codes within the distance are near in some band. How near in each follows the
general form of the principle (Qin et al., «GPH: similarity search in Hamming space», ICDE 2018): the radii of all
bands, and the number of bands less one, add up to the distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
Indices = NDArray[np.intp]
Pairs = tuple[Indices, Indices]

_BITS = 64
_MIN_BANDS = 3
"""Bands of at most 22 bits: a table of where each key starts is 16 MB."""
_PAIR_BATCH = 1 << 20
_LOOKUP_COST, _TABLE_COST = 5.0, 8.0
"""What looking up a key, and a place in the table, cost in comparisons of two codes; measured."""


@dataclass(frozen=True)
class HashBand:
    """Some bits of the codes, from `shift` on; near pairs differ in at most `radius` of them in one band or another."""

    shift: int
    width: int
    radius: int

    @property
    def flips(self) -> list[int]:
        """All ways to change at most `radius` of the bits."""
        return [
            sum(1 << bit for bit in bits)
            for changed in range(self.radius + 1)
            for bits in combinations(range(self.width), changed)
        ]


def near_pairs(codes: Codes, max_distance: int) -> Iterator[Pairs]:
    """Positions of codes that differ in at most `max_distance` bits, one or two million at a time at most.

    Each such pair of different codes is found at least once; equal codes are the caller's (`np.unique`).
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
    """The bands by which so many codes are compared at the least expected cost, were they random."""
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
    """In comparisons of two codes."""
    cost = 0.0
    for band in bands:
        keys = 1 << band.width
        flips = sum(comb(band.width, changed) for changed in range(band.radius + 1))
        cost += _TABLE_COST * keys + flips * (_LOOKUP_COST * min(count, keys) / 2 + count * count / 2 / keys)
    return cost


def _candidate_pairs(table: NDArray[np.int32], present: Indices, flip: int) -> Iterator[Pairs]:
    """Positions, in the order of keys, of codes whose keys differ by exactly `flip`; each pair once."""
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
    """Where the codes with each of the keys start, and how many there are."""
    start = table[keys].astype(np.intp)
    return start, table[keys + 1] - start


def _concatenate_ranges(start: Indices, size: Indices) -> Indices:
    """`start`, `start` + 1 … for `size` numbers, of all ranges one after the other."""
    before = np.cumsum(size) - size
    return np.repeat(start - before, size) + np.arange(size.sum())
