"""Single lines of lists of ingredients."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.ai.offline.language.lexicon import LANGUAGES, load_lexicon
from shared.ai.offline.recipe.entry import ParsedIngredient
from shared.ai.offline.recipe.ingredient import parse_ingredients
from shared.ai.offline.recipe.text import normalize_text, repair_ocr

Case = tuple[str, str, str]


def cases() -> list[Case]:
    """Language, line, and what is expected as `amount or low..high | unit | name | note`."""
    rows = []
    for code in LANGUAGES:
        text = (Path(__file__).parent / f"ingredients_{code}.txt").read_text(encoding="utf-8")
        for row in text.splitlines():
            line, *expected = (cell.strip() for cell in row.split("|"))
            rows.append((code, line, " | ".join(expected)))
    return rows


def parse(line: str, code: str) -> list[ParsedIngredient]:
    tongue = load_lexicon(code)
    return parse_ingredients(repair_ocr(normalize_text(line), tongue), tongue)


def format_parsed(parsed: ParsedIngredient) -> str:
    amount = "" if parsed.amount is None else f"{parsed.amount:.4g}"
    upper = "" if parsed.amount_max is None else f"..{parsed.amount_max:.4g}"
    signs = {"plus": "+", "same": "="}
    further = [f"{signs[one.relation]} {one.amount:.4g} {one.unit}" for one in parsed.measures]
    return " | ".join([amount + upper, " ".join([parsed.unit or "", *further]), parsed.name, parsed.note or ""])


@pytest.mark.parametrize(("code", "line", "expected"), cases())
def test_a_line_is_read_exactly(code: str, line: str, expected: str) -> None:
    """A cook gets the amount, unit, name and note that stand in the line, in each language."""
    assert [format_parsed(parsed) for parsed in parse(line, code)] == [expected]


@pytest.mark.parametrize(
    ("code", "line", "names"),
    [
        ("en", "200 g flour, 2 eggs, salt", ["flour", "eggs", "salt"]),
        ("en", "Salt and pepper to taste", ["Salt", "pepper"]),
        ("en", "200g pasta • 100g cheese", ["pasta", "cheese"]),
        ("en", "🍝 200g pasta 🧀 100g cheese", ["pasta", "cheese"]),
        ("en", "1 egg + 1 yolk", ["egg", "yolk"]),
        ("en", "garlic, finely chopped", ["garlic"]),
        ("de", "Salz, Pfeffer, Paprika", ["Salz", "Pfeffer", "Paprika"]),
        ("de", "Salz & Pfeffer", ["Salz", "Pfeffer"]),
        ("de", "250 g Mehl, 1 TL Zimt", ["Mehl", "Zimt"]),
        ("de", "3,5 % Milch, 2 Eier", ["Eier"]),
        ("ru", "Соль, перец - по вкусу", ["Соль", "перец"]),
        ("ru", "200 г муки, 2 яйца, соль", ["муки", "яйца", "соль"]),
    ],
)
def test_a_line_with_several_ingredients_is_taken_apart(code: str, line: str, names: list[str]) -> None:
    """What one line lists becomes one entry each, and a note after a comma does not."""
    assert [parsed.name for parsed in parse(line, code)] == names


def test_to_taste_at_the_end_is_said_of_all() -> None:
    """`Salt and pepper to taste` says so of the salt too."""
    assert [parsed.note for parsed in parse("Salt and pepper to taste", "en")] == ["to taste"] * 2


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("en", "20 minutes"),
        ("en", "350°F"),
        ("en", "4 servings"),
        ("en", "2 people"),
        ("en", "100% natural"),
        ("en", "3 ingredients"),
        ("en", ""),
        ("en", "!!!"),
        ("en", "200 g"),
        ("en", "What is this?"),
        ("de", "10 Minuten"),
        ("de", "180 Grad"),
        ("de", "4 Portionen"),
        ("de", "2 Personen"),
        ("de", "3 Zutaten"),
        ("ru", "30 минут"),
        ("ru", "180 градусов"),
        ("ru", "6 порций"),
        ("ru", "3 ингредиента"),
    ],
)
def test_what_counts_something_else_is_no_ingredient(code: str, line: str) -> None:
    """Times, heat and servings never appear in a shopping list."""
    assert parse(line, code) == []


@pytest.mark.parametrize(
    ("code", "line", "amount"),
    [
        ("en", "1,000 g flour", 1000),
        ("de", "1.000 g Mehl", 1000),
        ("de", "1,000 kg Mehl", 1),
        ("en", "1.000 kg flour", 1),
        ("de", "1 000 g Mehl", 1000),
        ("ru", "1 000 г муки", 1000),
        ("en", "1,5 kg flour", 1.5),
        ("de", "1.5 kg Mehl", 1.5),
        ("ru", "1.5 кг муки", 1.5),
        ("de", "0.500 l Milch", 0.5),
        ("en", "0,500 l milk", 0.5),
        ("de", "1.234,5 g Mehl", 1234.5),
        ("en", "1,234.5 g flour", 1234.5),
    ],
)
def test_the_language_says_what_dots_and_commas_mean(code: str, line: str, amount: float) -> None:
    """`1.000 g` are a thousand in German and one in English."""
    assert parse(line, code)[0].amount == amount


@pytest.mark.parametrize(
    ("code", "line", "certain"),
    [
        ("en", "2 cups flour", True),
        ("en", "3 eggs", True),
        ("en", "Salt", False),
        ("en", "5 friends", False),
        ("en", "salt to taste", True),
        ("de", "2 Freunde", False),
        ("de", "1 EL Dingsbums", True),
        ("ru", "3 друга", False),
    ],
)
def test_only_measures_and_known_foods_are_certain(code: str, line: str, certain: bool) -> None:
    """A number before any word does not make an ingredient outside of a list."""
    assert parse(line, code)[0].is_certain is certain
