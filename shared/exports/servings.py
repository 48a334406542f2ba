"""A recipe for another number of servings."""

from __future__ import annotations

from collections.abc import Callable

from shared.analyses.recipe import Ingredient, Recipe
from shared.errors import PermanentError
from shared.exports.quantities import FRACTIONS, METRIC, format_number
from shared.exports.recipe_wording import recipe_wording

# Unit → the next smaller one and how many of it make one.
SMALLER = {
    "kg": ("g", 1000.0),
    "l": ("ml", 1000.0),
    "lb": ("oz", 16.0),
    "cup": ("tbsp", 16.0),
    "tbsp": ("tsp", 3.0),
}
LARGER = {"g": ("kg", 1000.0), "ml": ("l", 1000.0), "oz": ("lb", 16.0), "tsp": ("tbsp", 3.0)}
LEAST = {"cup": 0.25}
"""Less of a unit is given in the smaller one; of the others, less than one."""
FEWEST = 0.1
"""Fewer servings are none at all, which is nothing to calculate from."""
LARGEST = 1e6
"""More of anything is measured in no kitchen, and left as it is."""
PARTS = (0.0, *FRACTIONS, 1.0)


def scale_recipe(recipe: Recipe, servings: float) -> Recipe:
    """The recipe with amounts that can be measured in a kitchen, and a note that they were calculated.

    Raises PermanentError `servings_unknown`.
    """
    exact = multiply_amounts(recipe, servings)
    if recipe.servings is None or exact.servings == recipe.servings:
        return recipe
    words = recipe_wording(recipe.language)
    note = words.scaled.format(before=format_number(recipe.servings, words), after=format_number(servings, words))
    ingredients = [round_ingredient(ingredient) for ingredient in exact.ingredients]
    return exact.model_copy(update={"ingredients": ingredients, "notes": [*recipe.notes, note]})


def multiply_amounts(recipe: Recipe, servings: float) -> Recipe:
    """The recipe with each amount multiplied, not rounded. Times stay: they do not grow with the pot.

    Raises PermanentError `servings_unknown`.
    """
    if recipe.servings is None or recipe.servings < FEWEST:
        raise PermanentError(
            "servings_unknown",
            "The video does not state how many servings the recipe makes, so it cannot be scaled. Omit servings.",
        )
    factor = servings / recipe.servings
    ingredients = [
        _with_amounts(ingredient, ingredient.unit, lambda value: value * factor) for ingredient in recipe.ingredients
    ]
    return recipe.model_copy(update={"servings": servings, "ingredients": ingredients})


def round_ingredient(ingredient: Ingredient) -> Ingredient:
    """In a unit of fitting size, rounded to what scales and spoons can tell apart. The lower end of a range decides."""
    unit = ingredient.unit
    if ingredient.amount is None or unit is None:
        return _with_amounts(ingredient, unit, lambda value: round_amount(value, unit))
    # Three times a third is to be one, and not a little less.
    amount, times = round(ingredient.amount, 6), 1.0
    while unit in SMALLER and 0 < amount * times < LEAST.get(unit, 1):
        unit, parts = SMALLER[unit]
        times *= parts
    if times == 1 and unit in LARGER:
        larger, parts = LARGER[unit]
        if amount >= parts and _is_readable(amount / parts, larger):
            unit, times = larger, 1 / parts
    return _with_amounts(ingredient, unit, lambda value: round_amount(value * times, unit))


def round_amount(value: float, unit: str | None) -> float:
    """To a step of a kitchen scale where the unit is metric, else to a fraction that spoons have; never to 0."""
    if not 0 < value < LARGEST:
        return value
    if unit in ("kg", "l"):
        return max(round(value, 2), 0.01)
    if unit in METRIC:
        step = 5.0 if value >= 100 else 1.0 if value >= 10 else 0.5 if value >= 1 else 0.1
        return max(round(round(value / step) * step, 3), step)
    if value >= 10:
        return float(round(value))
    if value >= 5:
        return round(value * 2) / 2
    whole, part = divmod(value, 1)
    nearest = min(PARTS, key=lambda size: abs(part - size))
    return round(whole + nearest, 3) or min(FRACTIONS)


def _is_readable(value: float, unit: str) -> bool:
    """Whether a larger unit reads well: any weight does, but no 1⅓ tablespoons for 4 teaspoons."""
    return unit in METRIC or (value * 2).is_integer()


def _with_amounts(ingredient: Ingredient, unit: str | None, change: Callable[[float], float]) -> Ingredient:
    ends = {
        end: value if value is None else change(value)
        for end, value in (("amount", ingredient.amount), ("amount_max", ingredient.amount_max))
    }
    return ingredient.model_copy(update={"unit": unit, **ends})
