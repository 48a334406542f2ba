"""Amounts, times and other numbers as a cookbook prints them."""

from __future__ import annotations

from shared.analyses.recipe import Ingredient, Nutrition, Recipe
from shared.exports.recipe_wording import RecipeWording

METRIC = ("mg", "g", "kg", "ml", "cl", "dl", "l")
FRACTIONS = {1 / 8: "⅛", 1 / 4: "¼", 1 / 3: "⅓", 1 / 2: "½", 2 / 3: "⅔", 3 / 4: "¾"}
NEAR = 0.01
"""So far may a number be from a fraction and be written as it; a third is often given as 0.33."""


def format_number(value: float, words: RecipeWording) -> str:
    """With at most three decimals, and the language's sign before them."""
    return f"{value:.3f}".rstrip("0").rstrip(".").replace(".", words.decimal)


def format_amount(value: float, unit: str | None, words: RecipeWording) -> str:
    """`1½`, but `1.5` where the unit is metric."""
    whole, part = divmod(value, 1)
    sign = next((sign for size, sign in FRACTIONS.items() if abs(part - size) < NEAR), None)
    if sign is None or unit in METRIC:
        return format_number(value, words)
    return f"{whole:.0f}{sign}" if whole else sign


def format_quantity(ingredient: Ingredient, words: RecipeWording) -> str:
    """`2–3 tbsp`; empty when nothing is known. Pieces have no unit to be read."""
    unit = ingredient.unit
    values = [value for value in (ingredient.amount, ingredient.amount_max) if value is not None]
    numbers = "–".join(format_amount(value, unit, words) for value in values)
    if unit is None or unit == "piece":
        return numbers
    singular, plural = words.units.get(unit, (unit, unit))
    return f"{numbers} {plural if values and max(values) > 1 else singular}".strip()


def ingredient_name(ingredient: Ingredient) -> str:
    """`onions, finely chopped`."""
    return ", ".join(part for part in (ingredient.name, ingredient.note) if part)


def ingredient_line(ingredient: Ingredient, words: RecipeWording) -> str:
    """`2 onions, finely chopped`."""
    return " ".join(part for part in (format_quantity(ingredient, words), ingredient_name(ingredient)) if part)


def format_duration(minutes: float, words: RecipeWording) -> str:
    """`45 min`, or `1 h 30 min` from an hour on."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours:.0f} {words.hours}"] if hours else []
    if rest or not hours:
        parts.append(f"{format_number(rest, words)} {words.minutes}")
    return " ".join(parts)


Fact = tuple[str, str]
"""A label, perhaps empty, and what it labels."""


def recipe_facts(recipe: Recipe, words: RecipeWording) -> list[Fact]:
    """Servings, times, difficulty, cuisine: those that are known."""
    times = ((words.prep, recipe.prep_minutes), (words.cook, recipe.cook_minutes), (words.total, recipe.total_minutes))
    return [
        *([(words.servings, format_amount(recipe.servings, None, words))] if recipe.servings else []),
        *((label, format_duration(minutes, words)) for label, minutes in times if minutes is not None),
        *([("", words.difficulty[recipe.difficulty])] if recipe.difficulty else []),
        *([("", recipe.cuisine)] if recipe.cuisine else []),
    ]


def nutrient_texts(nutrition: Nutrition | None, words: RecipeWording) -> list[str]:
    """`450 kcal`, `12 g protein`, …: those that are known."""
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
