"""Damaged and hostile files of every accepted kind, by chance but with a seed."""

from __future__ import annotations

import pytest

from tests.mutations import run_mutations

SEED = 1


@pytest.mark.parametrize(("kind", "count"), [("mutate", 60), ("damage", 36)])
def test_no_change_of_a_file_exhausts_memory_or_time(kind: str, count: int) -> None:
    """Whatever bytes are changed, reading ends soon, in little memory; of a damaged video, the rest is used."""
    results = list(run_mutations(count, SEED, kind))
    assert [result.number for result in results] == list(range(count))
    assert [result for result in results if result.is_fault] == []
