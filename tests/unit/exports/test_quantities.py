"""Amounts and times as a cookbook prints them."""

from __future__ import annotations

import pytest

from shared.analyses.recipe import Ingredient, Measure
from shared.exports.quantities import format_duration, format_quantity, ingredient_line
from shared.exports.wording import ENGLISH_RECIPE, recipe_wording


@pytest.mark.parametrize(
    ("number", "upper", "unit", "text"),
    [
        (400, None, "g", "400 g"),
        (1.5, None, "kg", "1.5 kg"),
        (1.5, None, "tsp", "1½ tsp"),
        (0.25, None, "cup", "¼ cup"),
        (1 / 3, None, "cup", "⅓ cup"),
        (0.33, None, "cup", "⅓ cup"),
        (1.25, None, "cup", "1¼ cups"),
        (2, 3, "tbsp", "2–3 tbsp"),
        (0.5, 1, "can", "½–1 can"),
        (1, 2, "leaf", "1–2 leaves"),
        (2, None, "piece", "2"),
        (3, None, "Schälchen", "3 Schälchen"),
        (None, None, "pinch", "pinch"),
        (None, None, None, ""),
        (0.1, None, "oz", "0.1 oz"),
        (1_500_000, None, "g", "1500000 g"),
    ],
)
def test_quantities(number: float | None, upper: float | None, unit: str | None, text: str) -> None:
    """Amounts are read as in a cookbook: fractions for spoons and cups, decimals for grams and litres."""
    assert format_quantity(Ingredient(name="x", amount=number, amount_max=upper, unit=unit), ENGLISH_RECIPE) == text


def with_measures(amount: float, unit: str, *further: tuple[float, str, str]) -> Ingredient:
    measures = [Measure.model_validate({"amount": one, "unit": name, "relation": kind}) for one, name, kind in further]
    return Ingredient(name="x", amount=amount, unit=unit, measures=measures)


@pytest.mark.parametrize(
    ("ingredient", "text"),
    [
        (with_measures(0.25, "cup", (1, "tbsp", "plus")), "¼ cup + 1 tbsp"),
        (with_measures(2, "cup", (240, "g", "same")), "2 cups (240 g)"),
        (with_measures(5, "lb", (4, "oz", "plus")), "5 lb 4 oz"),
        (with_measures(1, "lb", (2, "oz", "plus"), (510, "g", "same")), "1 lb 2 oz (510 g)"),
        (with_measures(1, "stick", (0.5, "cup", "same"), (113, "g", "same")), "1 stick (½ cup, 113 g)"),
    ],
)
def test_further_measures(ingredient: Ingredient, text: str) -> None:
    """What is to be added and what says the same are told apart at a glance."""
    assert format_quantity(ingredient, ENGLISH_RECIPE) == text


def test_an_ingredient_on_one_line() -> None:
    """Amount, unit, name and note stand in the order of a shopping list."""
    assert (
        ingredient_line(Ingredient(name="onions", amount=2, unit="piece", note="chopped"), ENGLISH_RECIPE)
        == "2 onions, chopped"
    )
    assert ingredient_line(Ingredient(name="salt"), ENGLISH_RECIPE) == "salt"


@pytest.mark.parametrize(
    ("number", "text"), [(40, "40 min"), (60, "1 h"), (90, "1 h 30 min"), (0, "0 min"), (2.5, "2.5 min")]
)
def test_cooking_times(number: float, text: str) -> None:
    """A cooking time is shown in hours and minutes."""
    assert format_duration(number, ENGLISH_RECIPE) == text


def test_cooking_times_in_other_languages() -> None:
    """Hours and minutes have the names that the recipe's language gives them."""
    assert format_duration(90, recipe_wording("de")) == "1 Std. 30 Min."
    assert format_duration(2.5, recipe_wording("ru")) == "2,5 мин"
