"""A recipe as schema.org/Recipe in JSON-LD, with what Google's recipe results ask for."""

from __future__ import annotations

import json
from typing import Any

from shared.exports.quantities import ingredient_line
from shared.exports.text import plain_text, safe_url
from shared.exports.wording import ENGLISH, recipe_wording
from shared.models.recipe import Nutrition, Recipe


def recipe_jsonld(recipe: Recipe, image: str | None) -> str:
    """What the recipe does not tell is left out.

    Args:
        image: Absolute URL of its picture.
    """
    words = recipe_wording(recipe.language)
    document = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": plain_text(recipe.title or "") or words.recipe,
        "description": plain_text(recipe.description or ""),
        "inLanguage": recipe.language,
        "image": [image] if image else [],
        "author": {"@type": "Person", "name": plain_text(recipe.author)} if recipe.author else None,
        "url": safe_url(recipe.source_url),
        "prepTime": iso_duration(recipe.prep_minutes),
        "cookTime": iso_duration(recipe.cook_minutes),
        "totalTime": iso_duration(recipe.total_minutes),
        # Importers read the number of a text in any language, but a decimal comma not everywhere.
        "recipeYield": f"{recipe.servings:g}" if recipe.servings else None,
        "recipeCuisine": plain_text(recipe.cuisine or ""),
        "keywords": ", ".join(plain_text(tag) for tag in recipe.tags),
        "tool": [{"@type": "HowToTool", "name": plain_text(tool)} for tool in recipe.equipment],
        "recipeIngredient": [plain_text(ingredient_line(ingredient, words)) for ingredient in recipe.ingredients],
        "recipeInstructions": [
            {"@type": "HowToStep", "position": step.number, "text": plain_text(step.text)} for step in recipe.steps
        ],
        "nutrition": _nutrition_document(recipe.nutrition),
    }
    text = json.dumps(_drop_empty(document), ensure_ascii=False, indent=2)
    # It is made to be put into a page's <script>, which it must not be able to end.
    return text.replace("<", "\\u003c")


def iso_duration(minutes: float | None) -> str | None:
    """`PT1H30M` for 90 minutes (ISO 8601), to the second; None when there is nothing to tell."""
    seconds = round((minutes or 0) * 60)
    if seconds <= 0:
        return None
    hours, rest = divmod(seconds, 3600)
    parts = zip((hours, *divmod(rest, 60)), "HMS", strict=True)
    return "PT" + "".join(f"{count}{sign}" for count, sign in parts if count)


def _nutrition_document(nutrition: Nutrition | None) -> dict[str, Any] | None:
    if nutrition is None:
        return None
    values = {
        "calories": (nutrition.calories_kcal, ENGLISH.calories),
        "proteinContent": (nutrition.protein_g, "g"),
        "fatContent": (nutrition.fat_g, "g"),
        "carbohydrateContent": (nutrition.carbohydrates_g, "g"),
    }
    amounts = {name: f"{value:g} {unit}" for name, (value, unit) in values.items() if value is not None}
    return {"@type": "NutritionInformation", **amounts} if amounts else None


def _drop_empty(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (None, "", [])}
