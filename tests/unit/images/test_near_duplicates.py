"""Near duplicates: every pair is found, and the groups are the same in any order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.images.comparison import MAX_DISTANCE, hamming_distance, near_duplicates, near_pairs, plan_bands

Hashes = list[tuple[str, int]]


def expected_groups(hashes: Hashes, most: int) -> dict[str, str]:
    """Connected components, each pair compared."""
    group = {name: {name} for name, _ in hashes}
    for at, (one, value) in enumerate(hashes):
        for other, another in hashes[:at]:
            if hamming_distance(value, another) <= most and group[one] is not group[other]:
                joined = group[one] | group[other]
                group.update(dict.fromkeys(joined, joined))
    return {name: min(members) for name, members in group.items() if len(members) > 1}


@st.composite
def crowds(draw: st.DrawFn) -> Hashes:
    """Some codes with chains of codes near them."""
    values = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 40))):
        flips = draw(st.lists(st.integers(0, 63), max_size=9))
        values.append(draw(st.sampled_from(values)) ^ sum({1 << bit for bit in flips}))
    return [(f"{number:03}", value) for number, value in enumerate(values)]


@settings(max_examples=80, deadline=None)
@given(hashes=crowds(), most=st.integers(0, MAX_DISTANCE), order=st.randoms(use_true_random=False))
def test_groups_are_exact_in_any_order(hashes: Hashes, most: int, order: random.Random) -> None:
    """Whatever the hashes, the distance and the order, the groups are those of comparing every pair."""
    expected = expected_groups(hashes, most)
    order.shuffle(hashes)
    assert near_duplicates(hashes, most) == expected


@pytest.mark.parametrize("most", [1, 4, 6, 8, 12])
def test_all_pairs_of_many_are_found(most: int) -> None:
    """Among 4000 codes, half of them near others, no pair is missed and none is invented."""
    rng = np.random.default_rng(most)
    codes = rng.integers(0, 2**63, 4000, dtype=np.uint64) * np.uint64(2)
    codes[:2000] = codes[2000:]
    for _ in range(most):
        codes[:2000] ^= np.uint64(1) << rng.integers(0, 64, 2000, dtype=np.uint64)
    codes = np.unique(codes)
    pairs = {tuple(sorted(pair)) for one, other in near_pairs(codes, most) for pair in zip(one, other, strict=True)}
    expected = {
        (at, int(other))
        for at, code in enumerate(codes)
        for other in np.flatnonzero(np.bitwise_count(codes[:at] ^ code) <= most)
    }
    assert {(int(high), int(low)) for low, high in pairs} == expected
    assert len(expected) > 1000


@pytest.mark.parametrize("most", range(1, MAX_DISTANCE + 1))
@pytest.mark.parametrize("count", [2, 1000, 100_000, 1_000_000])
def test_no_plan_can_miss_a_pair(most: int, count: int) -> None:
    """The bands cover all bits once, and the distance cannot be spent without some band being within its radius."""
    bands = plan_bands(count, most)
    assert sum(1 << bit for band in bands for bit in range(band.shift, band.shift + band.width)) == 2**64 - 1
    assert sum(band.radius + 1 for band in bands) > most
    assert all(len(set(band.flips)) == len(band.flips) for band in bands[:1] if band.radius < 3)


def test_many_alike_need_no_more_memory() -> None:
    """Thousands of codes that all begin alike, and thousands that are equal, are grouped without holding all pairs."""
    alike = [(f"a{number}", number) for number in range(3000)]
    equal = [(f"b{number}", 2**64 - 1) for number in range(3000)]
    groups = near_duplicates(alike + equal, 6)
    assert {groups[name] for name, _ in alike} == {"a0"}
    assert {groups[name] for name, _ in equal} == {"b0"}


def test_chains_are_one_group_and_the_best_stands_for_it() -> None:
    """Two images that are far apart are together when a third is near both; the caller says which is kept."""
    hashes = [("small", 0b0), ("large", 0b1111), ("other", 0b11111111), ("alone", 2**64 - 1)]
    assert near_duplicates(hashes, 4) == {"small": "large", "large": "large", "other": "large"}
    worth = {"small": 3, "large": 2, "other": 1, "alone": 0}
    assert set(near_duplicates(hashes, 4, sort_key=worth.__getitem__).values()) == {"other"}
    assert near_duplicates(hashes, 3) == {}
    assert near_duplicates([], 4) == {}


def test_silly_distances_are_refused() -> None:
    """A distance at which everything is near everything is an error."""
    with pytest.raises(ValueError, match="bits"):
        near_duplicates([("a", 1)], MAX_DISTANCE + 1)
