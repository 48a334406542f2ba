"""Merge the ingredients and steps of several sources into one list each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import words
from shared.analyses.recipe import Ingredient, Step

SAME_STEP = 0.6
"""Least share of the shorter step's words that two equal steps have in common."""


@dataclass(frozen=True)
class StemmedIngredient:
    """An ingredient and the stems of its name."""

    ingredient: Ingredient
    stems: frozenset[str]


def stems(text: str, lexicon: Lexicon) -> frozenset[str]:
    return frozenset(lexicon.stem(word) for word in words(text) if word not in lexicon.stops)


def merge_ingredients(sources: Sequence[Sequence[Ingredient]], lexicon: Lexicon) -> list[Ingredient]:
    """Merge lists in one language, given with the most trusted first.

    The same ingredient from two sources becomes one; the second fills what the first lacks. Two entries of one source
    stay separate if they differ in amount or group.
    """
    merged: list[StemmedIngredient] = []
    for source in sources:
        earlier_count = len(merged)
        for ingredient in source:
            new = StemmedIngredient(ingredient, stems(ingredient.name, lexicon))
            twins = [at for at in range(earlier_count) if is_same_food(merged[at], new)]
            if twins:
                best = max(twins, key=lambda at: food_similarity(merged[at], new))
                merged[best] = replace(merged[best], ingredient=fill_missing(merged[best].ingredient, ingredient))
            elif not any(is_repetition(old, new) for old in merged[earlier_count:]):
                merged.append(new)
    return [entry.ingredient for entry in merged]


def is_same_food(old: StemmedIngredient, new: StemmedIngredient) -> bool:
    """Return True for equal names, and for one name within the other (`oil`, `olive oil`) unless amounts differ."""
    if not old.stems or not new.stems:
        return False
    if old.stems == new.stems:
        return True
    old_ingredient, new_ingredient = old.ingredient, new.ingredient
    agree = None in (old_ingredient.amount, new_ingredient.amount) or (old_ingredient.amount, old_ingredient.unit) == (
        new_ingredient.amount,
        new_ingredient.unit,
    )
    return agree and (old.stems < new.stems or new.stems < old.stems)


def food_similarity(old: StemmedIngredient, new: StemmedIngredient) -> tuple[bool, bool]:
    old_ingredient, new_ingredient = old.ingredient, new.ingredient
    return old.stems == new.stems, (old_ingredient.amount, old_ingredient.unit) == (
        new_ingredient.amount,
        new_ingredient.unit,
    )


def is_repetition(old: StemmedIngredient, new: StemmedIngredient) -> bool:
    """Return True if an entry of the same source adds nothing new."""
    old_ingredient, new_ingredient = old.ingredient, new.ingredient
    if old.stems != new.stems or (old_ingredient.group != new_ingredient.group and new_ingredient.group):
        return False
    return new_ingredient.amount is None or (old_ingredient.amount, old_ingredient.unit) == (
        new_ingredient.amount,
        new_ingredient.unit,
    )


def fill_missing(ingredient: Ingredient, other: Ingredient) -> Ingredient:
    """Return `ingredient` with the fields that only `other` has."""
    update: dict[str, object] = {}
    if ingredient.amount is None and other.amount is not None and ingredient.unit in (None, other.unit):
        update = {
            "amount": other.amount,
            "amount_max": other.amount_max,
            "unit": other.unit,
            "measures": other.measures,
        }
    if ingredient.note is None and other.note:
        update["note"] = other.note
    if ingredient.group is None and other.group:
        update["group"] = other.group
    return ingredient.model_copy(update=update)


def merge_steps(sources: Sequence[Sequence[Step]], lexicon: Lexicon) -> list[Step]:
    """Return the steps of the source with most steps, and insert missing steps of the others by their time.

    All sources are in one language; ties go to the first. Minutes and temperatures come from any source.
    """
    chosen = max(sources, key=len, default=())
    steps = list(chosen)
    for source in sources:
        for step in source if source is not chosen else ():
            merge_step(steps, step, lexicon)
    return [step.model_copy(update={"number": number}) for number, step in enumerate(steps, 1)]


def merge_step(steps: list[Step], other: Step, lexicon: Lexicon) -> None:
    """Fill the matching step, or insert a new one at its time; drop it if it has no time."""
    time = step_time(other)
    twins = [at for at, step in enumerate(steps) if is_same_step(step.text, other.text, lexicon)]
    if twins:
        near = min(twins, key=lambda at: abs((step_time(steps[at]) or 0) - (time or 0)))
        old = steps[near]
        missing: dict[str, float | None] = {}
        if old.minutes is None:
            missing |= {"minutes": other.minutes, "minutes_max": other.minutes_max}
        if old.temperature_c is None:
            missing["temperature_c"] = other.temperature_c
        steps[near] = old.model_copy(update=missing)
    elif time is not None and all(step_time(step) is not None for step in steps):
        steps.insert(sum((step_time(step) or 0) <= time for step in steps), other)


def step_time(step: Step) -> float | None:
    return step.seen.time if step.seen else None


def is_same_step(text: str, other_text: str, lexicon: Lexicon) -> bool:
    first, second = stems(text, lexicon), stems(other_text, lexicon)
    shorter = min(len(first), len(second))
    return shorter > 0 and len(first & second) >= SAME_STEP * shorter
