"""What Clipwise reads from one labelled line, through the same parser that jobs use."""

from __future__ import annotations

from benchmarks.recipes.cases import Case, Entry, FactCase, Measure
from shared.ai.offline.recipe.parser import parse_recipe
from shared.analyses.recipe import Ingredient, Recipe
from shared.models.video import Segment

LIST_HEADINGS = {"en": "Ingredients:", "de": "Zutaten:", "ru": "Ингредиенты:"}
STEP_HEADINGS = {"en": "Method:", "de": "Zubereitung:", "ru": "Приготовление:"}
TITLES = {"en": "Chicken with rice", "de": "Hähnchen mit Reis", "ru": "Курица с рисом"}
"""Of the video: without any known food, Clipwise takes a text for no recipe."""


def read_ingredients(case: Case) -> list[Entry]:
    title = TITLES[case.language]
    if case.section == "speech":
        segments = [Segment(start=0, end=6, text=case.line)]
        recipe = parse_recipe(transcript=segments, title=title, language=case.language, transcript_source="speech")
    else:
        caption = f"{LIST_HEADINGS[case.language]}\n{case.line}" if case.section == "list" else case.line
        recipe = parse_recipe(caption=caption, title=title, language=case.language)
    return [to_entry(ingredient) for ingredient in recipe.ingredients]


def to_entry(ingredient: Ingredient) -> Entry:
    first = Measure(ingredient.amount, ingredient.amount_max, ingredient.unit)
    others = (
        Measure(measure.amount, measure.amount_max, measure.unit, measure.relation)
        for measure in getattr(ingredient, "measures", [])
    )
    return Entry((first, *others), ingredient.name, ingredient.note or "")


def read_facts(case: FactCase) -> dict[str, float | str]:
    """The fields of a step or of the recipe that the line sets; `text` and `ingredients` if they are not right."""
    if case.section == "step":
        caption = f"{STEP_HEADINGS[case.language]}\n{case.line}"
        return step_values(
            parse_recipe(caption=caption, title=TITLES[case.language], language=case.language), case.line
        )
    recipe = parse_recipe(caption=case.line, title=TITLES[case.language], language=case.language)
    return recipe_values(recipe)


def step_values(recipe: Recipe, line: str) -> dict[str, float | str]:
    values: dict[str, float | str] = {}
    for step in recipe.steps:
        for field in ("minutes", "minutes_max", "temperature_c"):
            value = getattr(step, field, None)
            if value is not None:
                values.setdefault(field, value)
    text = " ".join(step.text for step in recipe.steps)
    if letters(text) != letters(line):
        values["text"] = text
    return values


def letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def recipe_values(recipe: Recipe) -> dict[str, float | str]:
    nutrition = recipe.nutrition
    output = getattr(recipe, "yield_", None)
    values = {
        "servings": recipe.servings,
        "yield": output.amount if output else None,
        "unit": output.unit if output else None,
        "prep": recipe.prep_minutes,
        "cook": recipe.cook_minutes,
        "total": recipe.total_minutes,
        "difficulty": recipe.difficulty,
        "kcal": nutrition.calories_kcal if nutrition else None,
        "protein": nutrition.protein_g if nutrition else None,
        "fat": nutrition.fat_g if nutrition else None,
        "carbs": nutrition.carbohydrates_g if nutrition else None,
        "ingredients": ", ".join(ingredient.name for ingredient in recipe.ingredients) or None,
    }
    return {field: value for field, value in values.items() if value is not None}
