"""The demo's recipe and narration, and a comparison of extracted recipes with it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.analyses.recipe import Ingredient, Recipe, Step

RECIPE = Recipe(
    title="Baked Feta Pasta",
    servings=4,
    total_minutes=40,
    ingredients=[
        Ingredient(amount=400, unit="g", name="cherry tomatoes"),
        Ingredient(amount=200, unit="g", name="feta"),
        Ingredient(amount=300, unit="g", name="penne"),
        Ingredient(amount=3, unit="tbsp", name="olive oil"),
        Ingredient(amount=100, unit="ml", name="cream"),
        Ingredient(amount=1.5, unit="tsp", name="oregano"),
        Ingredient(amount=0.5, unit="tsp", name="chili flakes"),
        Ingredient(amount=15, unit="g", name="basil"),
    ],
    steps=[
        Step(number=1, text="Heat the oven to 200 °C.", temperature_c=200),
        Step(number=2, text="Mix tomatoes, feta and oil in a dish."),
        Step(number=3, text="Bake for 30 minutes.", minutes=30),
        Step(number=4, text="Boil the penne for 10 minutes.", minutes=10),
        Step(number=5, text="Stir in penne, cream and herbs, then serve."),
    ],
)


def ingredient_line(ingredient: Ingredient) -> str:
    """Format an ingredient as on the screen, e.g. `1.5 tsp oregano`."""
    return f"{ingredient.amount:g} {ingredient.unit} {ingredient.name}"


def step_line(step: Step) -> str:
    """Format a step as on the screen, e.g. `3. Bake for 30 minutes.`."""
    return f"{step.number}. {step.text}"


@dataclass(frozen=True)
class ScriptLine:
    """A shot's narration, and its duration in seconds."""

    seconds: float
    text: str


SCRIPT = [
    ScriptLine(2.6, f"{RECIPE.title} for four."),
    ScriptLine(3, "These are the ingredients."),
    ScriptLine(3, "Some more from the pantry."),
    *(ScriptLine(seconds, step.text) for seconds, step in zip((2, 2.4, 2, 2, 2.6), RECIPE.steps, strict=True)),
]
"""About 19 seconds; a card of ingredients stays for three."""


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
