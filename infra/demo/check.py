"""Compares a recipe with the one in the demo's video."""

from __future__ import annotations

from infra.demo.recipe import RECIPE, ingredient_line
from shared.models.recipe import Ingredient, Recipe


def recipe_differences(recipe: Recipe, duration_sec: float) -> list[str]:
    """Return what is missing from `recipe`, wrong or invented; empty if it matches the video."""
    extracted = {ingredient.name.casefold(): ingredient for ingredient in recipe.ingredients}
    problems = [
        _ingredient_difference(expected, extracted.pop(expected.name, None), duration_sec)
        for expected in RECIPE.ingredients
    ]
    wrong = [problem for problem in problems if problem]
    wrong += [f"{name} is not in the video" for name in extracted]
    if (recipe.title or "").casefold() != str(RECIPE.title).casefold():
        wrong.append(f"the title is {recipe.title!r}, not {RECIPE.title!r}")
    if recipe.servings != RECIPE.servings:
        wrong.append(f"the number of servings is {recipe.servings}, not {RECIPE.servings:g}")
    return wrong


def _ingredient_difference(expected: Ingredient, actual: Ingredient | None, duration_sec: float) -> str | None:
    line = ingredient_line(expected)
    if actual is None:
        return f"{line} is missing"
    if (actual.amount, actual.unit) != (expected.amount, expected.unit):
        amount = "no amount" if actual.amount is None else f"{actual.amount:g}"
        return f"{line} was extracted as {amount} {actual.unit or 'without a unit'}"
    if actual.seen is None or actual.seen.time is None or not 0 <= actual.seen.time <= duration_sec:
        return f"{line} has no time in the video"
    return None
