"""Recipes in metric and US units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analyses.recipe import Ingredient, Measure, Recipe, RecipeYield
from shared.analyses.units import SIZES
from shared.exports.quantities import format_quantity
from shared.exports.units import FOREIGN, UnitSystem, convert_ingredient, convert_measure, convert_recipe
from shared.exports.wording import ENGLISH_RECIPE


def text_of(ingredient: Ingredient, system: UnitSystem) -> str:
    return format_quantity(convert_ingredient(ingredient, system), ENGLISH_RECIPE)


@pytest.mark.parametrize(
    ("amount", "unit", "system", "text"),
    [
        (1, "cup", "metric", "240 ml"),
        (2, "quart", "metric", "1.92 l"),
        (8, "fl oz", "metric", "240 ml"),
        (8, "oz", "metric", "225 g"),
        (3, "lb", "metric", "1.36 kg"),
        (9, "inch", "metric", "23 cm"),
        (500, "g", "us", "1⅛ lb"),
        (400, "g", "us", "14 oz"),
        (1, "kg", "us", "2¼ lb"),
        (100, "ml", "us", "6½ tbsp"),
        (0.5, "l", "us", "2⅛ cups"),
        (1, "dl", "us", "6½ tbsp"),
        (10, "ml", "us", "2 tsp"),
        (3, "tbsp", "metric", "3 tbsp"),
        (2, "clove", "us", "2 cloves"),
        (250, "g", "metric", "250 g"),
    ],
)
def test_amounts_are_what_a_cookbook_writes(amount: float, unit: str, system: UnitSystem, text: str) -> None:
    """Each amount gets a unit of suitable size and a number that a kitchen can measure."""
    assert text_of(Ingredient(name="x", amount=amount, unit=unit), system) == text


def test_what_the_video_states_is_not_calculated() -> None:
    """Of `2 cups (240 g)`, the metric recipe has the grams that the cook weighed, and the US one the cups."""
    flour = Ingredient(name="flour", amount=2, unit="cup", measures=[Measure(amount=240, unit="g", relation="same")])
    assert text_of(flour, "metric") == "240 g"
    assert text_of(flour, "us") == "2 cups (240 g)"


def test_added_measures_become_one() -> None:
    """`¼ cup + 1 tbsp` are 75 ml and `5 lb 4 oz` one weight; a pinch beside a cup stays a pinch."""
    butter = Ingredient(name="b", amount=0.25, unit="cup", measures=[Measure(amount=1, unit="tbsp", relation="plus")])
    beef = Ingredient(name="b", amount=5, unit="lb", measures=[Measure(amount=4, unit="oz", relation="plus")])
    sugar = Ingredient(name="s", amount=1, unit="cup", measures=[Measure(amount=1, unit="pinch", relation="plus")])
    assert [text_of(one, "metric") for one in (butter, beef, sugar)] == ["75 ml", "2.38 kg", "240 ml + 1 pinch"]


def test_a_range_stays_one() -> None:
    """Both ends are in the same unit."""
    assert text_of(Ingredient(name="x", amount=1, amount_max=2, unit="cup"), "metric") == "240–480 ml"


@given(st.floats(1, 5000), st.sampled_from(sorted(FOREIGN["us"] - {"mg", "cm"})))
def test_converting_there_and_back_changes_little(amount: float, unit: str) -> None:
    """Whoever cooks by the converted recipe gets the dish: an amount stays within a tenth, or a pinch of it."""
    start = Measure(amount=amount, unit=unit, relation="same")
    back = convert_measure(convert_measure(start, "us"), "metric")
    before, after = amount * SIZES[unit][1], back.amount * SIZES[back.unit or ""][1]
    assert after == pytest.approx(before, rel=0.11, abs=3)


def test_the_recipe_says_that_it_was_converted() -> None:
    """A note tells the reader; a recipe in which nothing changes has none, and its text is the same."""
    milk = Ingredient(name="Milch", amount=1, unit="l")
    soup = Recipe(language="de", ingredients=[milk], yield_=RecipeYield(amount=1, unit="l"))
    converted = convert_recipe(soup, "us")
    assert converted.notes[-1].startswith("Die Mengen sind umgerechnet")
    assert converted.yield_ == RecipeYield(amount=4.125, unit="cup")
    assert convert_recipe(soup, "metric") is soup
