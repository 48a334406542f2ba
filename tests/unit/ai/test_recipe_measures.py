"""Further measures of ingredients, upper ends of times, and yields, from the line to the recipe's JSON."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ai.offline.language.lexicon import load_lexicon
from shared.ai.offline.recipe.facts import longest_duration, parse_facts
from shared.ai.offline.recipe.ingredient import ParsedIngredient, parse_ingredients
from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.recipe.text import TokenizedText, normalize_text
from tests.unit.ai.drawing import card, ingredient_lines, step_lines, subtitles


def parse_one(line: str, code: str = "en") -> ParsedIngredient:
    (parsed,) = parse_ingredients(normalize_text(line), load_lexicon(code))
    return parsed


def measures(parsed: ParsedIngredient) -> list[tuple[float, str | None, str]]:
    return [(one.amount, one.unit, one.relation) for one in parsed.measures]


@pytest.mark.parametrize(
    ("code", "line", "main", "further"),
    [
        ("en", "1/3 cup + 2 tsp cocoa", (1 / 3, "cup"), [(2, "tsp", "plus")]),
        ("en", "3 lb 6 oz pork", (3, "lb"), [(6, "oz", "plus")]),
        ("en", "2 cups, plus 1 tbsp milk", (2, "cup"), [(1, "tbsp", "plus")]),
        ("en", "4 oz (115 g; 1 cup) cheese", (4, "oz"), [(115, "g", "same"), (1, "cup", "same")]),
        ("en", "50 g butter + 1 tbsp", (50, "g"), [(1, "tbsp", "plus")]),
        ("de", "1 kg 250 g Kartoffeln", (1, "kg"), [(250, "g", "plus")]),
        ("ru", "2 ст. л. (40 г) мёда", (2, "tbsp"), [(40, "g", "same")]),
    ],
)
def test_a_second_measure_is_kept(code: str, line: str, main: tuple[float, str], further: list[Any]) -> None:
    """A cook who reads two measures in the video gets both: one to add, or the same amount in another unit."""
    parsed = parse_one(line, code)
    assert (parsed.amount, parsed.unit) == (pytest.approx(main[0]), main[1])
    assert measures(parsed) == further


@pytest.mark.parametrize(
    ("line", "amount", "unit"),
    [
        ("1 cup minus 2 tbsp sugar", 14, "tbsp"),
        ("1 lb less 2 oz beef", 14, "oz"),
        ("1 can minus 2 tbsp coconut milk", None, None),
    ],
)
def test_what_is_taken_away_is_subtracted_or_left_open(line: str, amount: float | None, unit: str | None) -> None:
    """`1 cup minus 2 tbsp` is never a whole cup; where units do not compare, there is no amount."""
    parsed = parse_one(line)
    assert (parsed.amount, parsed.unit, parsed.measures) == (amount, unit, ())


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("2 cans (400 g) beans", "400 g"),
        ("3 jars olives (200 g)", "200 g"),
        ("1 lb bag rice", "1 lb"),
        ("2 pieces ginger (3 cm)", "3 cm"),
        ("1 cup (3 cups) rice", "3 cups"),
        ("2 fillets (5 oz each) cod", "5 oz each"),
    ],
)
def test_a_size_is_no_second_measure(line: str, note: str) -> None:
    """The size of a package or a piece stays a note: it does not grow with the servings."""
    parsed = parse_one(line)
    assert parsed.measures == ()
    assert note in (parsed.note or "")


@pytest.mark.parametrize(
    ("code", "line", "amount", "unit", "name"),
    [
        ("en", "2 T miso", 2, "tbsp", "miso"),
        ("en", "2 t miso", 2, "tsp", "miso"),
        ("en", ".25 cup tahini", 0.25, "cup", "tahini"),
        ("en", "two-thirds cup rice", 2 / 3, "cup", "rice"),
        ("en", "3 dozen eggs", 36, None, "eggs"),
        ("de", "4 gr. Tomate(n)", 4, None, "Tomate"),
        ("de", "400 gr. Tomaten", 400, "g", "Tomaten"),
        ("de", "1 kl. Glas Honig", 1, "glass", "Honig"),
        ("de", "1 KL Honig", 1, "tsp", "Honig"),
        ("ru", "Яйцо С2 – 4 шт.", 4, "piece", "Яйцо"),
    ],
)
def test_short_forms_are_told_apart(code: str, line: str, amount: float, unit: str | None, name: str) -> None:
    """Letters and abbreviations mean what cooks mean by them, and never another amount."""
    parsed = parse_one(line, code)
    assert (parsed.amount, parsed.unit, parsed.name) == (pytest.approx(amount), unit, name)


@pytest.mark.parametrize(
    ("code", "line", "minutes", "maximum"),
    [
        ("en", "bake 25-30 min", 25, 30),
        ("en", "roast 50 mins to 1 hour", 50, 60),
        ("en", "1h15", 75, None),
        ("en", "1:45 hours", 105, None),
        ("de", "eine Dreiviertelstunde", 45, None),
        ("ru", "1,5–2 часа", 90, 120),
    ],
)
def test_a_range_of_time_has_two_ends(code: str, line: str, minutes: float, maximum: float | None) -> None:
    """A timer can be set to the lower end, and the cook knows how long it may take."""
    duration = longest_duration(TokenizedText(normalize_text(line), load_lexicon(code)))
    assert duration is not None
    assert (duration.minutes, duration.maximum) == (minutes, maximum)


@pytest.mark.parametrize(
    ("code", "line", "amount", "unit"),
    [
        ("en", "Makes 18 bite-sized scones", 18, "bite-sized scones"),
        ("en", "Yield: 1.5 cups", 1.5, "cup"),
        ("en", "Makes 2 dozen", 24, None),
        ("de", "Ergibt etwa 10 Waffeln", 10, "Waffeln"),
        ("ru", "Выход: 6 шт.", 6, "piece"),
    ],
)
def test_a_yield_is_no_number_of_servings(code: str, line: str, amount: float, unit: str | None) -> None:
    """Eighteen scones are not eighteen servings, and nobody is asked to buy them."""
    facts = parse_facts(TokenizedText(normalize_text(line), load_lexicon(code)))
    assert facts.yield_ is not None
    assert (facts.yield_.amount, facts.yield_.unit, facts.servings) == (amount, unit, None)
    assert parse_recipe(caption=f"Egg cake\n{line}", language=code).ingredients == []


def test_the_json_has_the_new_fields() -> None:
    """Clients find the second measure, the upper end of a time and the yield under their documented names."""
    recipe = parse_recipe(caption="Makes 9 bars\n1 cup + 1 tbsp oats\nBake 20-25 min").to_json()
    assert recipe["yield"] == {"amount": 9, "unit": "bar"}
    assert recipe["ingredients"][0]["measures"] == [
        {"amount": 1, "amountMax": None, "unit": "tbsp", "relation": "plus"}
    ]
    assert (recipe["steps"][0]["minutes"], recipe["steps"][0]["minutesMax"]) == (20, 25)


def test_nutrition_is_no_shopping_list() -> None:
    """What stands below a heading for nutrition, or is a row of nutrients, is never bought."""
    recipe = parse_recipe(
        caption="Ingredients:\n2 eggs\n100 g sugar\nNutrition:\nSugar 12 g\nFat: 9 g\nProtein 20 g\nSalt 1 g"
    )
    assert ingredient_lines(recipe) == ["2 eggs", "100 g sugar"]


def test_a_step_with_amounts_stays_whole() -> None:
    """An instruction that lists its ingredients is a step, with every word of it."""
    line = "Whisk 2 cups flour, 1 T sugar and 1/4 cup + 1 tbsp milk (cold), 2-3 min."
    recipe = parse_recipe(caption=f"Method:\n{line}")
    assert step_lines(recipe) == [f"1. {line}"]
    assert recipe.steps[0].minutes_max == 3


def test_both_sources_fill_one_ingredient_and_one_step() -> None:
    """The second measure and the upper end come along when another source fills what the card lacks."""
    recipe = parse_recipe(
        [*card(0, 3, "Ingredients", "sugar", "2 eggs"), *card(4, 6, "1. Bake the eggs with sugar")],
        subtitles("Add one cup plus two tablespoons of sugar.", "Bake the eggs with sugar for 10 to 12 minutes."),
    )
    assert [(one.amount, one.unit, len(one.measures)) for one in recipe.ingredients] == [(1, "cup", 1), (2, None, 0)]
    assert (recipe.steps[-1].minutes, recipe.steps[-1].minutes_max) == (10, 12)


def test_a_title_in_capitals_is_no_step() -> None:
    """`BROWN SUGAR PIE` names the dish, although cooks brown things."""
    recipe = parse_recipe(caption="BROWN SUGAR PIE\n200 g flour\nBake for 20 min")
    assert (recipe.title, step_lines(recipe)) == ("BROWN SUGAR PIE", ["1. Bake for 20 min"])
