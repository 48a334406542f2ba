"""The recipe of the demo: drawn into the video, and compared with what comes out of it."""

from __future__ import annotations

from shared.models.recipe import Ingredient, Recipe, Step

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
    """As it stands on the screen, e.g. `1.5 tsp oregano`."""
    return f"{ingredient.amount:g} {ingredient.unit} {ingredient.name}"


def step_line(step: Step) -> str:
    """As it stands on the screen, e.g. `3. Bake for 30 minutes.`."""
    return f"{step.number}. {step.text}"
