"""What stands above and below a recipe, as pairs of a label and a text, for whoever lays it out."""

from __future__ import annotations

from shared.exports.quantities import format_amount, format_duration, format_number
from shared.exports.wording import RecipeWording
from shared.models.recipe import Nutrition, Recipe

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
