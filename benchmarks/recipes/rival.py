"""The same lines read by `ingredient-parser-nlp` (PyPI), a model for English, if it is installed.

    uv run --with ingredient-parser-nlp python -m benchmarks.recipes

It needs NLTK's `averaged_perceptron_tagger_eng`, which it downloads at its first import, or finds in NLTK_DATA.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal

from benchmarks.recipes.cases import Entry, Measure

UNITS = {
    "tablespoon": "tbsp", "teaspoon": "tsp", "gram": "g", "kilogram": "kg", "milliliter": "ml", "liter": "l",
    "ounce": "oz", "pound": "lb", "fluid_ounce": "fl oz", "centimeter": "cm", "cups": "cup", "tin": "can",
    "package": "pack", "packet": "pack", "leaves": "leaf", "bunches": "bunch", "dashes": "dash", "pinches": "pinch",
    "boxes": "box", "rib": "stalk", "tblsp": "tbsp", "qt": "quart",
}  # fmt: skip
NUMBERS = {"half": 1 / 2, "quarter": 1 / 4, "third": 1 / 3}
IN_TEASPOONS = {"tsp": 1, "tbsp": 3, "cup": 48}


def load_rival() -> Callable[[str], list[Entry]] | str:
    """The parser as a function, or a sentence that says why it cannot run."""
    try:
        from ingredient_parser import parse_ingredient  # type: ignore[import-not-found]

        parse_ingredient("1 cup flour")
    except ImportError:
        return (
            "ingredient-parser-nlp is not installed: uv run --with ingredient-parser-nlp python -m benchmarks.recipes"
        )
    except LookupError:
        return "ingredient-parser-nlp lacks its data: set NLTK_DATA to a folder with averaged_perceptron_tagger_eng."

    def read_line(line: str) -> list[Entry]:
        try:
            return to_entries(parse_ingredient(line))
        except AssertionError:  # pint's parser of units, on some signs
            return []

    return read_line


def to_entries(parsed: Any) -> list[Entry]:
    """One entry for each name; all have the amounts of the line, as the library means it."""
    measures: list[Measure] = []
    for amount in parsed.amount:
        relation: Literal["", "same"] = "same" if measures else ""
        parts = getattr(amount, "amounts", None)
        if parts and amount.subtractive:
            measures.append(subtract_measures([to_measure(part) for part in parts]))
        elif parts:
            measures += [to_measure(part, "plus" if at else relation) for at, part in enumerate(parts)]
        elif not (measures and (amount.SINGULAR or amount.MULTIPLIER)):
            measures.append(to_measure(amount, relation))
    notes = (parsed.preparation, parsed.size, parsed.comment, parsed.purpose)
    note = " ".join(part.text for part in notes if part)
    return [Entry(tuple(measures) or (Measure(None, None, None),), name.text, note) for name in parsed.name]


def to_measure(amount: Any, relation: Literal["", "plus", "same"] = "") -> Measure:
    low, high = to_number(amount.quantity), to_number(amount.quantity_max)
    # `heaping tablespoon` is a unit of its own there.
    unit = (str(amount.unit).lower().split() or [None])[-1]
    singular = unit.removesuffix("s") if unit and unit not in UNITS else unit
    return Measure(low, high if high != low else None, UNITS.get(singular or "", singular), relation)


def to_number(quantity: Fraction | str) -> float | None:
    return float(quantity) if isinstance(quantity, Fraction) else NUMBERS.get(quantity)


def subtract_measures(measures: list[Measure]) -> Measure:
    """`1 cup minus 1 tbsp` as tablespoons."""
    first, *others = measures
    teaspoons = [(measure.amount or 0) * IN_TEASPOONS.get(measure.unit or "", 0) for measure in (first, *others)]
    return Measure((teaspoons[0] - sum(teaspoons[1:])) / IN_TEASPOONS["tbsp"], None, "tbsp")
