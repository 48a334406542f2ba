"""The labelled lines and spoken recipes of the benchmark, read as jobs read them."""

from __future__ import annotations

import pytest

from benchmarks.recipes.cases import LANGUAGES, SETS, read_cases, read_fact_cases
from benchmarks.recipes.reading import read_facts, read_ingredients
from benchmarks.recipes.scoring import Score, add_case, is_same_facts
from benchmarks.recipes.speech import SpeechScore, read_spoken, read_transcripts, recognized_recipe, score_spoken

LEAST_SHARE = 0.97
LEAST_SHARE_HELD_OUT = 0.95
MOST_WRONG = 0.01
"""In the batches: some of their lines cannot be told without knowing the food."""
LEAST_SPOKEN = {"en": (0.9, 0.85), "de": (0.95, 0.9), "ru": (0.9, 0.85)}
"""Least precision and recall of spoken ingredients, with amount and unit."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("prefix", SETS)
def test_ingredients_are_read_as_labelled(prefix: str, language: str) -> None:
    """A cook gets amount, unit, further measures and name that the author meant, and no amount that is wrong."""
    score = Score()
    for case in read_cases(language, prefix):
        add_case(score, case, read_ingredients(case))
    least = LEAST_SHARE_HELD_OUT if prefix == "held-out-" else LEAST_SHARE
    assert score.right >= least * score.total, "\n".join(score.failures)
    assert score.wrong_amounts <= (MOST_WRONG * score.total if prefix == "batches-" else 0), "\n".join(score.failures)


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_and_facts_are_read_as_labelled(language: str) -> None:
    """Times, heat, servings, yields and nutrition arrive in their fields, and steps keep their whole text."""
    cases = read_fact_cases(language)
    failed = [f"{case.line}: {read}" for case in cases if not is_same_facts(case, read := read_facts(case))]
    assert len(failed) <= (1 - LEAST_SHARE) * len(cases), "\n".join(failed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_spoken_recipe_keeps_its_ingredients(language: str) -> None:
    """A viewer of a video in which somebody speaks gets the ingredients with amounts, although words are misheard."""
    score = SpeechScore()
    transcripts = read_transcripts(language)
    for spoken in read_spoken(language):
        score_spoken(score, spoken, recognized_recipe(language, transcripts[spoken.id][1]))
    precision, recall = LEAST_SPOKEN[language]
    assert score.precision >= precision, "\n".join(score.failures)
    assert score.recall >= recall, "\n".join(score.failures)
    assert score.titles_right >= 0.8 * score.recipes, "\n".join(score.failures)
