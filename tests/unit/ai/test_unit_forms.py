"""Units in forms that no table lists, and what is left open in doubt."""

from __future__ import annotations

import pytest

from shared.ai.offline.recipe.parser import parse_recipe
from shared.analyses.recipe import Ingredient

HEADINGS = {"en": "Ingredients:", "de": "Zutaten:", "ru": "Ингредиенты:"}


def read(line: str, code: str) -> list[Ingredient]:
    recipe = parse_recipe(caption=f"{HEADINGS[code]}\n{line}\n", title={"en": "Rice", "de": "Reis", "ru": "Рис"}[code])
    return recipe.ingredients


@pytest.mark.parametrize(
    ("code", "line", "amount", "unit", "name"),
    [
        ("de", "1 Fläschchen Rum", 1, "bottle", "Rum"),
        ("de", "1 Ds. Kokosmilch", 1, "can", "Kokosmilch"),
        ("de", "2 Bech. Schmand", 2, "tub", "Schmand"),
        ("de", "3 Esslöffeln Essig", 3, "tbsp", "Essig"),
        ("ru", "2 чайными ложками соли", 2, "tsp", "соли"),
        ("en", "1 ctn. cream", 1, "tub", "cream"),
        ("en", "8 unpeeled cloves garlic", 8, "clove", "garlic"),
        ("en", "3 ribbons of zucchini", 3, "ribbon", "zucchini"),
        ("en", "12 ½-inch-thick slices bread", 12, "slice", "bread"),
        ("de", "1 TL TL Salz", 1, "tsp", "Salz"),
    ],
)
def test_a_unit_is_read_in_other_forms(code: str, line: str, amount: float, unit: str, name: str) -> None:
    """Diminutives, cases, abbreviations and adjectives before a unit do not hide it."""
    (item,) = read(line, code)
    assert (item.amount, item.unit, item.name) == (amount, unit, name)


@pytest.mark.parametrize(("code", "line"), [("de", "2 bsp Mehl"), ("de", "1 Xq. Zucker"), ("en", "2 zqv. sugar")])
def test_an_unknown_unit_leaves_the_amount_open(code: str, line: str) -> None:
    """Two of an unknown unit are not two pieces: the amount stays empty, its words are a note, confidence is low."""
    (item,) = read(line, code)
    assert (item.amount, item.unit) == (None, None)
    assert line[0] in (item.note or "")
    assert item.seen is not None
    assert item.seen.confidence < 0.6


@pytest.mark.parametrize(
    ("code", "line", "name"),
    [
        ("en", "2/3 cup soy sauce, or ½ cup tamari and 2 tablespoons water", "soy sauce"),
        ("en", "1 loaf ciabatta, cut into 6 slices", "ciabatta"),
        ("en", "2 fillets cod, 6 oz each", "cod"),
        ("en", "1 red chili, seeded", "red chili"),
        ("de", "1 EL Tomatenmark, 3-fach konzentriert", "Tomatenmark"),
    ],
)
def test_a_remark_is_no_second_ingredient(code: str, line: str, name: str) -> None:
    """An alternative, a cut or a size after an entry is a note on it."""
    assert [item.name.split(" and ")[0] for item in read(line, code)] in ([name], [f"fillets {name}"])


@pytest.mark.parametrize(("code", "line"), [("en", "Parchment paper"), ("de", "Backpapier"), ("ru", "Пергамент")])
def test_a_utensil_is_no_ingredient(code: str, line: str) -> None:
    """Paper and pans in a list are not bought as food."""
    assert read(line, code) == []
