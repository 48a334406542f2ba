"""Makes one list of what several sources tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import words
from shared.models.recipe import Ingredient, Step

SAME_STEP = 0.6
"""Share of the shorter text's words that two steps have in common when they are one."""


@dataclass(frozen=True)
class Named:
    """An ingredient and the stems of its name."""

    ingredient: Ingredient
    stems: frozenset[str]


def stems(text: str, tongue: Lexicon) -> frozenset[str]:
    return frozenset(tongue.stem(word) for word in words(text) if word not in tongue.stops)


def merged_ingredients(sources: Sequence[Sequence[Ingredient]], tongue: Lexicon) -> list[Ingredient]:
    """One list out of several in one language, the most trusted first.

    The same ingredient from two sources is one: what the first says stands, what it lacks comes from the other.
    Two entries of one source stay two when they differ in amount or group.
    """
    found: list[Named] = []
    for source in sources:
        known = len(found)
        for ingredient in source:
            new = Named(ingredient, stems(ingredient.name, tongue))
            twins = [at for at in range(known) if same_food(found[at], new)]
            if twins:
                best = max(twins, key=lambda at: likeness(found[at], new))
                found[best] = replace(found[best], ingredient=filled(found[best].ingredient, ingredient))
            elif not any(repeats(old, new) for old in found[known:]):
                found.append(new)
    return [named.ingredient for named in found]


def same_food(old: Named, new: Named) -> bool:
    """Equal names, or one name within the other (`oil`, `olive oil`) unless the amounts speak against it."""
    if not old.stems or not new.stems:
        return False
    if old.stems == new.stems:
        return True
    one, other = old.ingredient, new.ingredient
    agree = None in (one.amount, other.amount) or (one.amount, one.unit) == (other.amount, other.unit)
    return agree and (old.stems < new.stems or new.stems < old.stems)


def likeness(old: Named, new: Named) -> tuple[bool, bool]:
    one, other = old.ingredient, new.ingredient
    return old.stems == new.stems, (one.amount, one.unit) == (other.amount, other.unit)


def repeats(old: Named, new: Named) -> bool:
    """Whether an entry of the same source says nothing new."""
    one, other = old.ingredient, new.ingredient
    if old.stems != new.stems or (one.group != other.group and other.group):
        return False
    return other.amount is None or (one.amount, one.unit) == (other.amount, other.unit)


def filled(ingredient: Ingredient, other: Ingredient) -> Ingredient:
    """`ingredient` with what only `other` knows."""
    update: dict[str, object] = {}
    if ingredient.amount is None and other.amount is not None and ingredient.unit in (None, other.unit):
        update = {"amount": other.amount, "amount_max": other.amount_max, "unit": other.unit}
    if ingredient.note is None and other.note:
        update["note"] = other.note
    if ingredient.group is None and other.group:
        update["group"] = other.group
    return ingredient.model_copy(update=update)


def merged_steps(sources: Sequence[Sequence[Step]], tongue: Lexicon) -> list[Step]:
    """The steps of the source that has most, with those of others that it lacks put in by their time.

    All sources are in one language; ties go to the one named first. Times and heat are taken from wherever they stand.
    """
    chosen = max(sources, key=len, default=())
    steps = list(chosen)
    for source in sources:
        for step in source if source is not chosen else ():
            add_step(steps, step, tongue)
    return [step.model_copy(update={"number": number}) for number, step in enumerate(steps, 1)]


def add_step(steps: list[Step], other: Step, tongue: Lexicon) -> None:
    """Fill the step that says the same, or insert a new one where its time belongs; without a time it is dropped."""
    time = time_of(other)
    twins = [at for at, step in enumerate(steps) if alike(step.text, other.text, tongue)]
    if twins:
        near = min(twins, key=lambda at: abs((time_of(steps[at]) or 0) - (time or 0)))
        old = steps[near]
        missing = {name: getattr(other, name) for name in ("minutes", "temperature_c") if getattr(old, name) is None}
        steps[near] = old.model_copy(update=missing)
    elif time is not None and all(time_of(step) is not None for step in steps):
        steps.insert(sum((time_of(step) or 0) <= time for step in steps), other)


def time_of(step: Step) -> float | None:
    return step.seen.time if step.seen else None


def alike(one: str, other: str, tongue: Lexicon) -> bool:
    first, second = stems(one, tongue), stems(other, tongue)
    shorter = min(len(first), len(second))
    return shorter > 0 and len(first & second) >= SAME_STEP * shorter
