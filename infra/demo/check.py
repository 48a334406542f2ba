"""Compares a recipe with the one in the demo's video."""

from __future__ import annotations

from infra.demo.recipe import RECIPE, ingredient_line
from shared.models.recipe import Ingredient, Recipe


def differences(recipe: Recipe, duration_sec: float) -> list[str]:
    """Return what is missing from `recipe`, wrong or invented; empty if it matches the video."""
    found = {ingredient.name.casefold(): ingredient for ingredient in recipe.ingredients}
    problems = [_problem(wanted, found.pop(wanted.name, None), duration_sec) for wanted in RECIPE.ingredients]
    wrong = [problem for problem in problems if problem]
    wrong += [f"{name} is not in the video" for name in found]
    if (recipe.title or "").casefold() != str(RECIPE.title).casefold():
        wrong.append(f"the title is {recipe.title!r}, not {RECIPE.title!r}")
    if recipe.servings != RECIPE.servings:
        wrong.append(f"the number of servings is {recipe.servings}, not {RECIPE.servings:g}")
    return wrong


def _problem(wanted: Ingredient, got: Ingredient | None, duration_sec: float) -> str | None:
    line = ingredient_line(wanted)
    if got is None:
        return f"{line} is missing"
    if (got.amount, got.unit) != (wanted.amount, wanted.unit):
        amount = "no amount" if got.amount is None else f"{got.amount:g}"
        return f"{line} was extracted as {amount} {got.unit or 'without a unit'}"
    if got.seen is None or got.seen.time is None or not 0 <= got.seen.time <= duration_sec:
        return f"{line} has no time in the video"
    return None
