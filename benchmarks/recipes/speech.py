"""How much of a spoken recipe is read, from recognized speech: ingredients, steps, title and servings.

`spoken/<language>.yaml` has what was said and what is right; `spoken/<language>.jsonl` what was recognized, with the
times of words, as `python -m benchmarks.recipes.record` makes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from benchmarks.recipes.cases import LANGUAGES, Entry, parse_readings
from benchmarks.recipes.reading import to_entry
from benchmarks.recipes.scoring import amount_is_right, describe, name_is_right, stems, unit_is_right
from benchmarks.sizes import size
from shared.ai.offline.recipe.parser import parse_recipe
from shared.analyses.recipe import Recipe
from shared.models.video import Segment

SPOKEN = Path(__file__).parent / "spoken"
MAX_TITLE_WORDS = 8
COLUMNS = "language  set    recipes  said  right  precision  recall  wrong amounts  steps  titles  servings"


@dataclass(frozen=True)
class SpokenRecipe:
    """A recipe as it is said.

    Attributes:
        group: `known` recipes were used to improve the reading, `new` ones were not.
        steps: Two words of each step; it is right if a step has them and no other step's.
    """

    language: str
    id: str
    group: Literal["known", "new"]
    title: str
    servings: float | None
    text: str
    ingredients: tuple[Entry, ...]
    steps: tuple[str, ...]
    voice: str | None = None


@dataclass
class SpeechScore:
    """Counts over some recipes. `wrong_amounts`: a cook would take another amount than was said."""

    recipes: int = 0
    expected: int = 0
    read: int = 0
    right: int = 0
    wrong_amounts: int = 0
    steps: int = 0
    steps_right: int = 0
    titles_right: int = 0
    servings_right: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / max(self.read, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.expected, 1)


def read_spoken(language: str) -> list[SpokenRecipe]:
    recipes: list[dict[str, Any]] = yaml.safe_load((SPOKEN / f"{language}.yaml").read_text("utf-8"))
    return [
        SpokenRecipe(
            language,
            recipe["id"],
            recipe["set"],
            recipe["title"],
            recipe["servings"],
            recipe["text"],
            parse_readings(recipe["ingredients"])[0],
            tuple(recipe["steps"]),
            recipe.get("voice"),
        )
        for recipe in recipes
    ]


def read_transcripts(language: str) -> dict[str, tuple[str, list[Segment]]]:
    """Return the model and the recognized segments of each recipe of a language, by its id."""
    rows = [json.loads(line) for line in (SPOKEN / f"{language}.jsonl").read_text("utf-8").splitlines()]
    return {row["id"]: (row["model"], [to_segment(segment) for segment in row["segments"]]) for row in rows}


def to_segment(row: list[Any]) -> Segment:
    start, end, text, words = row
    return Segment.model_validate(
        {
            "start": start,
            "end": end,
            "text": text,
            "words": [{"start": first, "end": last, "text": word} for first, last, word in words],
        }
    )


def recognized_recipe(language: str, transcript: list[Segment]) -> Recipe:
    return parse_recipe(
        transcript=transcript, language=language, transcript_language=language, transcript_source="speech"
    )


def score_spoken(score: SpeechScore, spoken: SpokenRecipe, recipe: Recipe) -> None:
    score.recipes += 1
    score_ingredients(score, spoken, [to_entry(ingredient) for ingredient in recipe.ingredients])
    score_steps(score, spoken, [step.text for step in recipe.steps])
    title = stems(recipe.title or "", spoken.language)
    has_title = set(stems(spoken.title, spoken.language)) <= set(title) and len(title) <= MAX_TITLE_WORDS
    score.titles_right += has_title
    score.servings_right += recipe.servings == spoken.servings
    if not has_title:
        score.failures.append(f"{spoken.id}: title {spoken.title!r}, read {recipe.title!r}")
    if recipe.servings != spoken.servings:
        score.failures.append(f"{spoken.id}: {spoken.servings} servings, read {recipe.servings}")


def score_ingredients(score: SpeechScore, spoken: SpokenRecipe, entries: list[Entry]) -> None:
    """Count the ingredients with right name, amount and unit; one that is said twice may be read once."""
    score.expected += len(spoken.ingredients)
    score.read += len(entries)
    remaining = list(entries)
    for expected in spoken.ingredients:
        named = [entry for entry in remaining if name_is_right(expected, entry, spoken.language)]
        actual = max(named, key=lambda entry: has_amount_of(expected, entry), default=None)
        right = actual is not None and has_amount_of(expected, actual)
        score.right += right
        if actual:
            remaining.remove(actual)
            score.wrong_amounts += not right and actual.measures[0].amount is not None
        if not right:
            score.failures.append(f"{spoken.id}: {describe(expected)}, read {describe(actual)}")
    for entry in remaining:
        score.wrong_amounts += entry.measures[0].amount is not None
        score.failures.append(f"{spoken.id}: surplus {describe(entry)}")


def has_amount_of(expected: Entry, actual: Entry) -> bool:
    return amount_is_right(expected, actual) and unit_is_right(expected, actual)


def score_steps(score: SpeechScore, spoken: SpokenRecipe, texts: list[str]) -> None:
    """Count the steps that a text of their own has."""
    labels = [set(stems(step, spoken.language)) for step in spoken.steps]
    owners = [[at for at, label in enumerate(labels) if label <= set(stems(text, spoken.language))] for text in texts]
    for at, step in enumerate(spoken.steps):
        score.steps += 1
        right = any(found == [at] for found in owners) or any(at in found and len(found) == 2 for found in owners)
        score.steps_right += right
        if not right:
            score.failures.append(f"{spoken.id}: no step of its own for {step!r}")


def score_language(language: str, group: str) -> SpeechScore:
    score = SpeechScore()
    transcripts = read_transcripts(language)
    for spoken in read_spoken(language)[: size(None, smoke=1)]:
        if spoken.group == group:
            score_spoken(score, spoken, recognized_recipe(language, transcripts[spoken.id][1]))
    return score


def format_score(language: str, group: str, score: SpeechScore) -> str:
    return (
        f"{language:<9} {group:<6} {score.recipes:>7} {score.expected:>5} {score.right:>6} "
        f"{100 * score.precision:>8.1f} % {100 * score.recall:>5.1f} % {score.wrong_amounts:>14} "
        f"{100 * score.steps_right / max(score.steps, 1):>4.0f} % {score.titles_right:>7} {score.servings_right:>9}"
    )


def print_speech(shows_failures: bool) -> None:
    print(f"\nspoken recipes, from recognized speech\n{COLUMNS}")
    failures: list[str] = []
    for language in LANGUAGES:
        for group in ("known", "new"):
            score = score_language(language, group)
            print(format_score(language, group, score))
            failures += score.failures
    if shows_failures:
        print(*["", *failures], sep="\n")
