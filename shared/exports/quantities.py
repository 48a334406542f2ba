"""Amounts, times and nutrients of a recipe: formatted as in a cookbook, and scaled to another number of servings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.analyses.recipe import Ingredient, Measure, Nutrition, Recipe, RecipeYield
from shared.errors import PermanentError
from shared.exports.wording import RecipeWording, recipe_wording

Fact = tuple[str, str]
"""A label, which may be empty, and its text."""
METRIC_UNITS = ("mg", "g", "kg", "ml", "cl", "dl", "l")
FRACTIONS = {1 / 8: "⅛", 1 / 4: "¼", 1 / 3: "⅓", 1 / 2: "½", 2 / 3: "⅔", 3 / 4: "¾"}
FRACTION_TOLERANCE = 0.01
"""Largest distance at which a number is written as a fraction: sources often state a third as 0.33."""
SMALLER_UNITS = {
    "kg": ("g", 1000.0),
    "l": ("ml", 1000.0),
    "lb": ("oz", 16.0),
    "cup": ("tbsp", 16.0),
    "tbsp": ("tsp", 3.0),
}
"""Unit → the next smaller unit, and how many of that make one."""
LARGER_UNITS = {"g": ("kg", 1000.0), "ml": ("l", 1000.0), "oz": ("lb", 16.0), "tsp": ("tbsp", 3.0)}
"""Unit → the next larger unit, and how many of the smaller one make it."""
LEAST_IN_UNIT = {"cup": 0.25}
"""Amounts below this, or below 1 for units not listed, are converted to the smaller unit."""
MIN_SERVINGS = 0.1
"""A recipe that states fewer servings cannot be scaled."""
MAX_ROUNDED = 1e6
"""Amounts from here on exceed any kitchen measure and are not rounded."""
Measured = TypeVar("Measured", Ingredient, Measure)
FRACTION_STEPS = (0.0, *FRACTIONS, 1.0)


def format_number(value: float, words: RecipeWording) -> str:
    """Format a number with at most three decimals and the language's decimal separator."""
    return f"{value:.3f}".rstrip("0").rstrip(".").replace(".", words.decimal)


def format_amount(value: float, unit: str | None, words: RecipeWording) -> str:
    """Format an amount as `1½`, or as `1.5` if the unit is metric."""
    whole, part = divmod(value, 1)
    sign = next((sign for size, sign in FRACTIONS.items() if abs(part - size) < FRACTION_TOLERANCE), None)
    if sign is None or unit in METRIC_UNITS:
        return format_number(value, words)
    return f"{whole:.0f}{sign}" if whole else sign


def format_quantity(ingredient: Ingredient, words: RecipeWording) -> str:
    """Format all measures, such as `2–3 tbsp`, `¼ cup + 1 tbsp` or `2 cups (240 g)`; empty without any."""
    return " ".join(part for part in (format_measure(ingredient, words), format_further(ingredient, words)) if part)


def format_further(ingredient: Ingredient, words: RecipeWording) -> str:
    """Format the measures after the first: `+ 1 tbsp`, `8 oz` after pounds, `(240 g)`."""
    added = [
        format_measure(measure, words) if is_continued(ingredient, measure) else f"+ {format_measure(measure, words)}"
        for measure in ingredient.measures
        if measure.relation == "plus"
    ]
    same = ", ".join(format_measure(measure, words) for measure in ingredient.measures if measure.relation == "same")
    return " ".join([*added, *([f"({same})"] if same else [])])


def is_continued(ingredient: Ingredient, measure: Measure) -> bool:
    """Return True if a measure goes on with the first one without a sign, as in `5 lb 4 oz`."""
    return ingredient.unit in ("lb", "kg", "l") and SMALLER_UNITS[ingredient.unit][0] == measure.unit


def format_measure(measure: Ingredient | Measure, words: RecipeWording) -> str:
    """Format an amount with its unit, such as `2–3 tbsp`; empty without both. Omits the unit `piece`."""
    unit = measure.unit
    values = [value for value in (measure.amount, measure.amount_max) if value is not None]
    numbers = "–".join(format_amount(value, unit, words) for value in values)
    if unit is None or unit == "piece":
        return numbers
    singular, plural = words.units.get(unit, (unit, unit))
    return f"{numbers} {plural if values and max(values) > 1 else singular}".strip()


def ingredient_name(ingredient: Ingredient) -> str:
    """Return name and note, such as `onions, finely chopped`."""
    return ", ".join(part for part in (ingredient.name, ingredient.note) if part)


def ingredient_line(ingredient: Ingredient, words: RecipeWording) -> str:
    """Return amount, name and note, such as `2 onions, finely chopped`."""
    return " ".join(part for part in (format_quantity(ingredient, words), ingredient_name(ingredient)) if part)


def format_duration(minutes: float, words: RecipeWording) -> str:
    """Format minutes as `45 min`, or as `1 h 30 min` from one hour on."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours:.0f} {words.hours}"] if hours else []
    if rest or not hours:
        parts.append(f"{format_number(rest, words)} {words.minutes}")
    return " ".join(parts)


def recipe_facts(recipe: Recipe, words: RecipeWording) -> list[Fact]:
    """Return servings, yield, times, difficulty and cuisine, as far as the recipe has them."""
    times = ((words.prep, recipe.prep_minutes), (words.cook, recipe.cook_minutes), (words.total, recipe.total_minutes))
    return [
        *([(words.servings, format_amount(recipe.servings, None, words))] if recipe.servings else []),
        *([(words.makes, format_yield(recipe.yield_, words))] if recipe.yield_ else []),
        *((label, format_duration(minutes, words)) for label, minutes in times if minutes is not None),
        *([("", words.difficulty[recipe.difficulty])] if recipe.difficulty else []),
        *([("", recipe.cuisine)] if recipe.cuisine else []),
    ]


def format_yield(output: RecipeYield, words: RecipeWording) -> str:
    """Format a yield as `12 cookies` or `0.75 l`."""
    return format_measure(Measure(amount=output.amount, unit=output.unit, relation="same"), words)


def nutrient_texts(nutrition: Nutrition | None, words: RecipeWording) -> list[str]:
    """Return the nutrients that have a value, such as `450 kcal` and `12 g protein`."""
    if nutrition is None:
        return []
    gram = words.units.get("g", ("g", "g"))[0]
    values = (
        (nutrition.calories_kcal, words.calories),
        (nutrition.protein_g, f"{gram} {words.protein}"),
        (nutrition.fat_g, f"{gram} {words.fat}"),
        (nutrition.carbohydrates_g, f"{gram} {words.carbohydrates}"),
    )
    return [f"{format_number(value, words)} {unit}" for value, unit in values if value is not None]


def scale_recipe(recipe: Recipe, servings: float) -> Recipe:
    """Scale a recipe, round its amounts to kitchen measures, and add a note that they were calculated.

    Raises PermanentError `servings_unknown`.
    """
    exact = multiply_amounts(recipe, servings)
    if recipe.servings is None or exact.servings == recipe.servings:
        return recipe
    words = recipe_wording(recipe.language)
    note = words.scaled.format(before=format_number(recipe.servings, words), after=format_number(servings, words))
    ingredients = [round_ingredient(ingredient) for ingredient in exact.ingredients]
    output = exact.yield_ and exact.yield_.model_copy(
        update={"amount": round_amount(exact.yield_.amount, exact.yield_.unit)}
    )
    return exact.model_copy(update={"ingredients": ingredients, "yield_": output, "notes": [*recipe.notes, note]})


def multiply_amounts(recipe: Recipe, servings: float) -> Recipe:
    """Multiply each amount without rounding. Times stay: they do not grow with the number of servings.

    Raises PermanentError `servings_unknown`.
    """
    if recipe.servings is None or recipe.servings < MIN_SERVINGS:
        raise PermanentError(
            "servings_unknown",
            "The video does not state how many servings the recipe makes, so it cannot be scaled. Omit servings.",
        )
    factor = servings / recipe.servings
    ingredients = [multiply_ingredient(ingredient, factor) for ingredient in recipe.ingredients]
    output = recipe.yield_ and recipe.yield_.model_copy(update={"amount": recipe.yield_.amount * factor})
    return recipe.model_copy(update={"servings": servings, "ingredients": ingredients, "yield_": output})


def multiply_ingredient(ingredient: Ingredient, factor: float) -> Ingredient:
    """Multiply all measures of an ingredient."""
    measures = [_with_amounts(measure, measure.unit, lambda value: value * factor) for measure in ingredient.measures]
    multiplied = _with_amounts(ingredient, ingredient.unit, lambda value: value * factor)
    return multiplied.model_copy(update={"measures": measures})


def round_ingredient(ingredient: Ingredient) -> Ingredient:
    """Round all measures of an ingredient; those to be added join the first one where their units allow it."""
    rounded = round_measure(ingredient)
    measures: list[Measure] = []
    for measure in map(round_measure, ingredient.measures):
        if measure.relation == "plus" and rounded.amount is not None:
            rounded, rest = carry_measure(rounded, measure)
            measures += [rest] if rest else []
        else:
            measures.append(measure)
    return rounded.model_copy(update={"measures": measures})


def carry_measure(ingredient: Ingredient, measure: Measure) -> tuple[Ingredient, Measure | None]:
    """Move whole units of an added measure to the first: 3 cups + 18 tbsp are 4 cups + 2 tbsp."""
    smaller, parts = SMALLER_UNITS.get(ingredient.unit or "", ("", 1.0))
    if measure.unit not in (ingredient.unit, smaller) or measure.amount_max is not None:
        return ingredient, measure
    whole, rest = divmod(measure.amount, parts) if measure.unit == smaller else (measure.amount, 0.0)
    carried = _with_amounts(ingredient, ingredient.unit, lambda value: value + whole)
    return carried, measure.model_copy(update={"amount": rest}) if rest else None


def round_measure(measure: Measured) -> Measured:
    """Convert to a unit of suitable size and round. The lower end of a range determines the unit."""
    unit = measure.unit
    if measure.amount is None or unit is None:
        return _with_amounts(measure, unit, lambda value: round_amount(value, unit))
    # Three times a third must be one, not slightly less.
    amount, times = round(measure.amount, 6), 1.0
    while unit in SMALLER_UNITS and 0 < amount * times < LEAST_IN_UNIT.get(unit, 1):
        unit, parts = SMALLER_UNITS[unit]
        times *= parts
    if times == 1 and unit in LARGER_UNITS:
        larger, parts = LARGER_UNITS[unit]
        if amount >= parts and _is_readable(amount / parts, larger):
            unit, times = larger, 1 / parts
    return _with_amounts(measure, unit, lambda value: round_amount(value * times, unit))


def round_amount(value: float, unit: str | None) -> float:
    """Round to a step of a kitchen scale if the unit is metric, else to a fraction of `FRACTIONS`; never to 0."""
    if not 0 < value < MAX_ROUNDED:
        return value
    if unit in ("kg", "l"):
        return max(round(value, 2), 0.01)
    if unit in METRIC_UNITS:
        step = 5.0 if value >= 100 else 1.0 if value >= 10 else 0.5 if value >= 1 else 0.1
        return max(round(round(value / step) * step, 3), step)
    if value >= 10:
        return float(round(value))
    if value >= 5:
        return round(value * 2) / 2
    whole, part = divmod(value, 1)
    nearest = min(FRACTION_STEPS, key=lambda size: abs(part - size))
    return round(whole + nearest, 3) or min(FRACTIONS)


def _is_readable(value: float, unit: str) -> bool:
    """Return True if an amount reads well in a larger unit: metric, or a multiple of ½; not 1⅓ tablespoons."""
    return unit in METRIC_UNITS or (value * 2).is_integer()


def _with_amounts(measure: Measured, unit: str | None, change: Callable[[float], float]) -> Measured:
    ends = {
        end: value if value is None else change(value)
        for end, value in (("amount", measure.amount), ("amount_max", measure.amount_max))
    }
    return measure.model_copy(update={"unit": unit, **ends})
