"""Damaged and hostile files of every accepted kind, by chance but with a seed."""

from __future__ import annotations

from tests.mutations import run_mutations

COUNT, SEED = 60, 1


def test_no_mutation_of_a_file_exhausts_memory_or_time() -> None:
    """Whatever bytes a stranger changes, reading the file ends soon, in little memory, with a result or a code."""
    results = list(run_mutations(COUNT, SEED))
    assert [result.number for result in results] == list(range(COUNT))
    assert [result for result in results if result.is_fault] == []
