"""What the demo takes for the recipe in its video."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.demo.recipe import RECIPE, recipe_differences
from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Ingredient, Recipe

DURATION = 19.6


def matching_recipe() -> Recipe:
    """The recipe as it should come out."""
    recipe = RECIPE.model_copy(deep=True)
    for number, ingredient in enumerate(recipe.ingredients):
        ingredient.seen = Sighting(source="screen", time=2.6 + number / 2, confidence=0.9)
    return recipe


def test_the_right_recipe_is_taken() -> None:
    """The demo is content with the recipe of its video, whatever the case of its letters."""
    recipe = matching_recipe()
    recipe.ingredients[1].name = "Feta"
    assert recipe_differences(recipe, DURATION) == []


def drop(recipe: Recipe) -> None:
    del recipe.ingredients[0]


def change_amount(recipe: Recipe) -> None:
    recipe.ingredients[0].amount = 40


def lose_amount(recipe: Recipe) -> None:
    recipe.ingredients[0].amount = recipe.ingredients[0].unit = None


def change_unit(recipe: Recipe) -> None:
    recipe.ingredients[3].unit = "tsp"


def forget_time(recipe: Recipe) -> None:
    recipe.ingredients[2].seen = None


def move_after_the_end(recipe: Recipe) -> None:
    recipe.ingredients[2].seen = Sighting(source="screen", time=DURATION + 1, confidence=0.9)


def invent(recipe: Recipe) -> None:
    recipe.ingredients.append(Ingredient(name="sugar", amount=1, unit="kg"))


def retitle(recipe: Recipe) -> None:
    recipe.title = None


def serve_more(recipe: Recipe) -> None:
    recipe.servings = 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, "400 g cherry tomatoes is missing"),
        (change_amount, "400 g cherry tomatoes was extracted as 40 g"),
        (lose_amount, "400 g cherry tomatoes was extracted as no amount without a unit"),
        (change_unit, "3 tbsp olive oil was extracted as 3 tsp"),
        (forget_time, "300 g penne has no time in the video"),
        (move_after_the_end, "300 g penne has no time in the video"),
        (invent, "sugar is not in the video"),
        (retitle, "the title is None"),
        (serve_more, "the number of servings is 40"),
    ],
)
def test_a_wrong_recipe_is_not_taken(change: Callable[[Recipe], None], message: str) -> None:
    """The demo fails, and says why, when anything is missing, wrong or made up."""
    recipe = matching_recipe()
    change(recipe)
    (problem,) = recipe_differences(recipe, DURATION)
    assert message in problem
