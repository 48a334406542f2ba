"""Recipes in metric or US units: amounts converted as cookbooks do, in units whose rounded amounts are still right.

Spoons, pieces, pinches and the like mean the same everywhere and stay.
"""

from __future__ import annotations

from typing import Literal

from shared.analyses.recipe import Ingredient, Measure, Recipe, RecipeYield
from shared.analyses.units import SIZES, Dimension
from shared.exports.quantities import round_amount, round_measure
from shared.exports.wording import recipe_wording

UnitSystem = Literal["metric", "us"]
FOREIGN: dict[UnitSystem, frozenset[str]] = {
    "metric": frozenset({"cup", "pint", "quart", "gallon", "fl oz", "oz", "lb", "inch"}),
    "us": frozenset({"mg", "g", "kg", "ml", "cl", "dl", "l", "cm"}),
}
"""Units that are converted."""
TARGETS: dict[UnitSystem, dict[Dimension, tuple[str, ...]]] = {
    "metric": {"volume": ("ml",), "weight": ("g",), "length": ("cm",)},
    "us": {"volume": ("cup", "tbsp", "tsp"), "weight": ("lb", "oz"), "length": ("inch",)},
}
"""Units to convert to, largest first. Rounding makes kilograms and litres of large amounts."""
TOLERANCE = 0.05
"""Share by which rounding may change an amount where a smaller unit changes it less."""


def convert_recipe(recipe: Recipe, system: UnitSystem) -> Recipe:
    """Return the recipe in the units of a system, with a note if an amount was converted. Texts stay as they are."""
    ingredients = [convert_ingredient(ingredient, system) for ingredient in recipe.ingredients]
    output = recipe.yield_ and convert_yield(recipe.yield_, system)
    if ingredients == recipe.ingredients and output == recipe.yield_:
        return recipe
    note = recipe_wording(recipe.language).converted
    return recipe.model_copy(update={"ingredients": ingredients, "yield_": output, "notes": [*recipe.notes, note]})


def convert_ingredient(ingredient: Ingredient, system: UnitSystem) -> Ingredient:
    """Return an ingredient in the units of a system: as the video states it, if it also does so in them."""
    if ingredient.amount is None or ingredient.unit not in FOREIGN[system]:
        return ingredient
    first = Measure(amount=ingredient.amount, amount_max=ingredient.amount_max, unit=ingredient.unit, relation="same")
    stated = next((one for one in ingredient.measures if one.relation == "same" and is_known(one, system)), None)
    added = [one for one in ingredient.measures if one.relation == "plus"]
    rest = [] if stated else [one for one in added if not add_measure(first, one)]
    converted = stated or convert_measure(first, system)
    return ingredient.model_copy(
        update={
            "amount": converted.amount,
            "amount_max": converted.amount_max,
            "unit": converted.unit,
            "measures": [convert_measure(one, system) for one in rest],
        }
    )


def convert_yield(output: RecipeYield, system: UnitSystem) -> RecipeYield:
    """Return a yield in the units of a system; `12 muffins` stays."""
    measure = convert_measure(Measure(amount=output.amount, unit=output.unit, relation="same"), system)
    return RecipeYield(amount=measure.amount, unit=measure.unit)


def is_known(measure: Measure, system: UnitSystem) -> bool:
    """Return True for a volume, weight or length that needs no conversion."""
    return measure.unit in SIZES and measure.unit not in FOREIGN[system]


def add_measure(first: Measure, more: Measure) -> bool:
    """Add to the first measure one of the same dimension, as in `1 cup + 2 tbsp`; returns False for any other."""
    dimension, size = SIZES[first.unit or ""]
    other_dimension, other_size = SIZES.get(more.unit or "", (None, 0.0))
    if other_dimension != dimension or more.amount_max is not None:
        return False
    amount = more.amount * other_size / size
    first.amount += amount
    if first.amount_max is not None:
        first.amount_max += amount
    return True


def convert_measure(measure: Measure, system: UnitSystem) -> Measure:
    """Return a measure in the system's largest unit whose rounded amount is right; one that needs none as it is."""
    if measure.unit not in FOREIGN[system]:
        return measure
    dimension, size = SIZES[measure.unit]
    units = TARGETS[system][dimension]
    unit = next((unit for unit in units if is_right(measure.amount * size / SIZES[unit][1], unit)), units[-1])
    factor = size / SIZES[unit][1]
    upper = measure.amount_max and measure.amount_max * factor
    return round_measure(
        measure.model_copy(update={"unit": unit, "amount": measure.amount * factor, "amount_max": upper})
    )


def is_right(amount: float, unit: str) -> bool:
    """Return True if rounding changes an amount by little."""
    return abs(round_amount(amount, unit) - amount) <= TOLERANCE * amount
