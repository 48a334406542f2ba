"""Recipes for another number of servings."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.analyses.recipe import Ingredient, Measure, Recipe, RecipeYield
from shared.errors import PermanentError
from shared.exports.quantities import (
    LARGER_UNITS,
    SMALLER_UNITS,
    format_quantity,
    multiply_amounts,
    round_amount,
    round_ingredient,
    scale_recipe,
)
from shared.exports.wording import ENGLISH_RECIPE, recipe_wording
from tests.unit.exports.samples import SOUP

UNITS = ["g", "kg", "ml", "l", "tsp", "tbsp", "cup", "oz", "lb", "piece", "clove", None]
servings = st.floats(0.5, 200)
amounts = st.one_of(st.none(), st.floats(0.01, 5000))
ingredients = st.lists(
    st.builds(Ingredient, name=st.just("x"), amount=amounts, amount_max=amounts, unit=st.sampled_from(UNITS)),
    max_size=4,
)


@given(ingredients, servings, servings)
def test_scaling_there_and_back_gives_the_original(items: list[Ingredient], before: float, after: float) -> None:
    """Scaling by a factor and then by its inverse changes no amount, and no scaling touches anything else."""
    recipe = Recipe(ingredients=items, servings=before, total_minutes=30)
    back = multiply_amounts(multiply_amounts(recipe, after), before)

    assert back.servings == before
    assert back.model_copy(update={"ingredients": items}) == recipe
    for one, same in zip(items, back.ingredients, strict=True):
        assert (same.amount, same.amount_max) == pytest.approx((one.amount, one.amount_max))
        assert same.unit == one.unit


@given(st.floats(0.2, 20_000), st.sampled_from(UNITS))
@example(1.25, "g")
def test_what_is_measured_is_about_what_was_calculated(amount: float, unit: str | None) -> None:
    """Rounding and changing the unit never make an amount vanish, nor another one: it stays within a fifth."""
    size = {"kg": 1000.0, "l": 1000.0, "lb": 16.0, "tbsp": 3.0, "cup": 48.0}
    rounded = round_ingredient(Ingredient(name="x", amount=amount, unit=unit))

    assert rounded.unit in {unit, LARGER_UNITS.get(unit or "", ("", 0))[0], *(row[0] for row in SMALLER_UNITS.values())}
    assert rounded.amount is not None
    was, now = amount * size.get(unit or "", 1), rounded.amount * size.get(rounded.unit or "", 1)
    assert now == pytest.approx(was, rel=0.4 if amount < 0.5 else 1 / 5)


@given(st.floats(0.01, 20_000), st.sampled_from(UNITS))
def test_rounding_twice_is_rounding_once(amount: float, unit: str | None) -> None:
    """An amount that can be measured stays as it is."""
    once = round_amount(amount, unit)
    assert round_amount(once, unit) == pytest.approx(once, abs=0.001)


@pytest.mark.parametrize(
    ("amount", "upper", "unit", "factor", "text"),
    [
        (1.5, None, "tsp", 2, "1 tbsp"),
        (1.5, None, "tsp", 0.5, "¾ tsp"),
        (2, None, "tsp", 2, "4 tsp"),
        (1, None, "tbsp", 0.5, "1½ tsp"),
        (1, None, "cup", 1 / 3, "⅓ cup"),
        (1, None, "cup", 1 / 8, "2 tbsp"),
        (0.75, None, "cup", 1 / 3, "¼ cup"),
        (0.1, None, "kg", 10.0000000001, "1 kg"),
        (2, 3, "clove", 1.5, "3–4½ cloves"),
        (750, None, "g", 2, "1.5 kg"),
        (1, None, "kg", 0.25, "250 g"),
        (0.5, None, "l", 3, "1.5 l"),
        (333, None, "g", 1.1, "365 g"),
        (12, None, "oz", 2, "1½ lb"),
        (1, None, "piece", 0.5, "½"),
        (3, None, None, 1.5, "4½"),
        (1, None, "pinch", 2, "2 pinches"),
        (None, None, "pinch", 2, "pinch"),
        (None, None, None, 2, ""),
    ],
)
def test_amounts_can_be_measured(
    amount: float | None, upper: float | None, unit: str | None, factor: float, text: str
) -> None:
    """A cook reads amounts that spoons, cups and scales have; what had no number still has none."""
    one = Ingredient(name="x", amount=amount, amount_max=upper, unit=unit)
    recipe = scale_recipe(Recipe(ingredients=[one], servings=4), 4 * factor)
    assert format_quantity(recipe.ingredients[0], ENGLISH_RECIPE) == text


@pytest.mark.parametrize(
    ("amount", "unit", "further", "factor", "text"),
    [
        (2, "cup", (240, "g", "same"), 2, "4 cups (480 g)"),
        (500, "ml", (2, "cup", "same"), 2, "1 l (4 cups)"),
        (5, "lb", (4, "oz", "plus"), 2, "10 lb 8 oz"),
        (5, "lb", (12, "oz", "plus"), 2, "11½ lb"),
        (0.25, "cup", (1, "tbsp", "plus"), 2, "½ cup + 2 tbsp"),
        (1, "cup", (6, "tbsp", "plus"), 3, "4 cups + 2 tbsp"),
        (1, "tbsp", (1, "tsp", "plus"), 3, "4 tbsp"),
        (1, "kg", (200, "g", "plus"), 0.5, "600 g"),
    ],
)
def test_every_measure_is_scaled(
    amount: float, unit: str, further: tuple[float, str, Literal["plus", "same"]], factor: float, text: str
) -> None:
    """A cook who doubles a recipe finds both measures doubled, and whole cups where spoons fill them."""
    second = Measure(amount=further[0], unit=further[1], relation=further[2])
    one = Ingredient(name="x", amount=amount, unit=unit, measures=[second])
    recipe = scale_recipe(Recipe(ingredients=[one], servings=4), 4 * factor)
    assert format_quantity(recipe.ingredients[0], ENGLISH_RECIPE) == text


@given(st.integers(1, 30), st.integers(1, 15), st.sampled_from([0.5, 1.5, 2.0, 3.0, 5.0]))
def test_what_is_added_is_about_the_sum(pounds: int, ounces: int, factor: float) -> None:
    """However pounds and ounces are rounded and carried, together they stay within a twentieth."""
    second = Measure(amount=ounces, unit="oz", relation="plus")
    one = Ingredient(name="x", amount=pounds, unit="lb", measures=[second])
    (scaled,) = scale_recipe(Recipe(ingredients=[one], servings=2), 2 * factor).ingredients
    parts = [(scaled.amount, scaled.unit), *((measure.amount, measure.unit) for measure in scaled.measures)]
    total = sum((amount or 0) * (16 if unit == "lb" else 1) for amount, unit in parts)
    assert total == pytest.approx((pounds * 16 + ounces) * factor, rel=1 / 20)


def test_the_yield_is_scaled_too() -> None:
    """Twice the servings are twice the muffins."""
    recipe = scale_recipe(Recipe(servings=4, yield_=RecipeYield(amount=12, unit="muffins")), 8)
    assert recipe.yield_ == RecipeYield(amount=24, unit="muffins")


def test_a_scaled_recipe_says_so() -> None:
    """Who reads a scaled recipe is told that amounts named within its steps were not changed."""
    six = scale_recipe(SOUP, 6)
    assert six.notes[:-1] == SOUP.notes
    assert "von 4 auf 6 Portionen" in six.notes[-1]
    assert scale_recipe(SOUP, 4) == SOUP


@pytest.mark.parametrize("stated", [None, 0, -1, 1e-320])
def test_without_servings_nothing_can_be_scaled(stated: float | None) -> None:
    """A recipe whose servings nobody told is not scaled by a guess."""
    with pytest.raises(PermanentError) as error:
        scale_recipe(Recipe(servings=stated), 2)
    assert error.value.code == "servings_unknown"


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en-GB", ["1.5 kg", "1½ tsp", "2–3 cloves", "0.1 oz"]),
        ("de", ["1,5 kg", "1½ TL", "2–3 Zehen", "0,1 Unze"]),
        ("ru", ["1,5 кг", "1½ ч. л.", "2–3 зубч.", "0,1 унц."]),
        ("fr", ["1.5 kg", "1½ tsp", "2–3 cloves", "0.1 oz"]),
    ],
)
def test_numbers_and_units_are_the_languages_own(language: str, texts: list[str]) -> None:
    """A German or Russian cook reads a decimal comma and the usual spoons."""
    items = [
        Ingredient(name="x", amount=1.5, unit="kg"),
        Ingredient(name="x", amount=1.5, unit="tsp"),
        Ingredient(name="x", amount=2, amount_max=3, unit="clove"),
        Ingredient(name="x", amount=0.1, unit="oz"),
    ]
    assert [format_quantity(one, recipe_wording(language)) for one in items] == texts
