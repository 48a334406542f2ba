"""The labelled lines of the benchmark, read as jobs read them."""

from __future__ import annotations

import pytest

from benchmarks.recipes.cases import LANGUAGES, read_cases, read_fact_cases
from benchmarks.recipes.reading import read_facts, read_ingredients
from benchmarks.recipes.scoring import Score, add_case, is_same_facts

LEAST_SHARE = 0.97


@pytest.mark.parametrize("language", LANGUAGES)
def test_ingredients_are_read_as_labelled(language: str) -> None:
    """A cook gets amount, unit, further measures and name that the author meant, and no amount that is wrong."""
    score = Score()
    for case in read_cases(language):
        add_case(score, case, read_ingredients(case))
    assert score.right >= LEAST_SHARE * score.total, "\n".join(score.failures)
    assert score.wrong_amounts == 0, "\n".join(score.failures)


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_and_facts_are_read_as_labelled(language: str) -> None:
    """Times, heat, servings, yields and nutrition arrive in their fields, and steps keep their whole text."""
    cases = read_fact_cases(language)
    failed = [f"{case.line}: {read}" for case in cases if not is_same_facts(case, read := read_facts(case))]
    assert len(failed) <= (1 - LEAST_SHARE) * len(cases), "\n".join(failed)
