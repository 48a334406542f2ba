"""Parse the further measures of an ingredient: `2 cups (240 g)`, `1 cup + 2 tbsp`, `1 cup minus 1 tbsp`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.recipe.number import Number, parse_number, range_end
from shared.ai.offline.recipe.text import TokenizedText, Unit
from shared.analyses.recipe import Measure

Dimension = Literal["volume", "weight", "length"]
SIZES: dict[str, tuple[Dimension, float]] = {
    "ml": ("volume", 1), "cl": ("volume", 10), "dl": ("volume", 100), "l": ("volume", 1000),
    "tsp": ("volume", 5), "dessertspoon": ("volume", 10), "tbsp": ("volume", 15), "fl oz": ("volume", 30),
    "cup": ("volume", 240), "pint": ("volume", 480), "quart": ("volume", 960), "gallon": ("volume", 3840),
    "mg": ("weight", 0.001), "g": ("weight", 1), "kg": ("weight", 1000), "oz": ("weight", 28.35),
    "lb": ("weight", 453.6), "cm": ("length", 1), "inch": ("length", 2.54),
}  # fmt: skip
"""Unit → what it measures, and how much of it in ml, g or cm."""
PACKAGES = {
    "can", "jar", "bottle", "pack", "bag", "box", "tub", "glass", "cube", "ball", "bar", "roll", "sheet", "block",
}  # fmt: skip
"""Units that a measure in brackets states the size of: `2 cans (400 g)` are not 400 g in all."""
MAX_DIFFERENCE = 0.3
"""Two measures of one amount may differ by this share: authors round, and a cup is 225 to 250 ml."""
Relation = Literal["plus", "same", "minus"]


@dataclass
class Further:
    """What follows the main measure, up to token `end`. `minus`: to be subtracted from the main measure."""

    end: int
    measures: list[Measure] = field(default_factory=list)
    minus: Measure | None = None
    notes: list[str] = field(default_factory=list)


def parse_further(text: TokenizedText, at: int, main: Measure) -> Further:
    """Return the measures and brackets that follow the main measure at a place."""
    further = Further(at)
    while True:
        if bracket := text.bracket_at(further.end):
            further.end, content = bracket
            measures = [] if main.unit in PACKAGES else measures_in_bracket(content, text.lexicon, main)
            further.measures += measures
            further.notes += [] if measures else [content]
            continue
        relation, start = parse_relation(text, further.end, main)
        if relation is None or further.minus:
            return further
        hit = parse_measure(text, start, "plus" if relation == "plus" else "same")
        if hit is None:
            return further
        measure, end = hit
        if relation == "minus":
            further.minus = measure
        elif relation == "plus" or can_be_same(main, measure):
            further.measures.append(measure)
        else:
            further.notes.append(text.text_between(start, end))
        further.end = end


def parse_relation(text: TokenizedText, at: int, main: Measure) -> tuple[Relation | None, int]:
    """Return how a measure after a place belongs to the main one, and where it starts."""
    lexicon = text.lexicon
    if text.is_sign(at, ",") and (text.is_sign(at + 1, "+") or text.is_word(at + 1, lexicon.plus)):
        at += 1
    if text.is_sign(at, "+") or text.is_word(at, lexicon.plus | lexicon.joiners):
        return "plus", at + 1
    if text.is_sign(at, "/|=") or text.is_word(at, lexicon.alternatives):
        return "same", at + 1
    if text.is_word(at, lexicon.minus):
        return "minus", at + 1
    hit = parse_measure(text, at, "plus")
    return ("plus", at) if hit and is_part_of(hit[0], main) else (None, at)


def is_part_of(measure: Measure, main: Measure) -> bool:
    """Return True if a measure goes on with the main one in a smaller unit: `5 lb 4 oz`."""
    whole, part = SIZES.get(main.unit or ""), SIZES.get(measure.unit or "")
    if whole is None or part is None or measure.amount is None:
        return False
    return whole[0] == part[0] and measure.amount * part[1] < whole[1]


def parse_measure(text: TokenizedText, at: int, relation: Literal["plus", "same"]) -> tuple[Measure, int] | None:
    """Return the number, or range, with a unit at a place, and the index after it."""
    count = parse_number(text, at)
    if count is None:
        return None
    upper = range_end(text, count.end, count.value)
    unit = unit_after(text, upper or count)
    if unit is None:
        return None
    low, high = round(count.value * unit.factor, 4), round(upper.value * unit.factor, 4) if upper else None
    return Measure(amount=low, amount_max=high, unit=unit.name, relation=relation), unit.end


def unit_after(text: TokenizedText, count: Number) -> Unit | None:
    return text.unit_at(count.end + 1 if text.is_sign(count.end, "-") else count.end)


def measures_in_bracket(content: str, lexicon: Lexicon, main: Measure) -> list[Measure]:
    """Return the measures of the same amount that a bracket consists of: `(about 1 cup; 113 g)`."""
    inside = TokenizedText(content, lexicon)
    measures: list[Measure] = []
    at = 0
    while at < len(inside):
        if hit := inside.phrase_at(at, lexicon.approximately):
            at = hit[0]
        parsed = parse_measure(inside, at, "same")
        if parsed is None or not can_be_same(main, parsed[0]):
            return []
        measures.append(parsed[0])
        at = parsed[1]
        if at < len(inside):
            if not (inside.is_sign(at, ";,/|=") or inside.is_word(at, lexicon.alternatives)):
                return []
            at += 1
    return measures


def can_be_same(main: Measure, measure: Measure) -> bool:
    """Return True if two measures can state one amount; lengths state a size, not an amount."""
    one, other = SIZES.get(main.unit or ""), SIZES.get(measure.unit or "")
    if main.unit == measure.unit or (other and other[0] == "length"):
        return False
    if one is None or other is None or one[0] != other[0] or main.amount is None or measure.amount is None:
        return True
    sizes = sorted((main.amount * one[1], measure.amount * other[1]))
    return sizes[0] >= (1 - MAX_DIFFERENCE) * sizes[1]


def subtract_measure(main: Measure, minus: Measure) -> Measure | None:
    """Return the rest in the smaller unit: 15 tbsp for `1 cup minus 1 tbsp`; None if the units do not compare."""
    one, other = SIZES.get(main.unit or ""), SIZES.get(minus.unit or "")
    if one is None or other is None or one[0] != other[0] or main.amount is None or minus.amount is None:
        return None
    size = min(one[1], other[1])
    unit = main.unit if one[1] == size else minus.unit
    rest = (main.amount * one[1] - minus.amount * other[1]) / size
    return Measure(amount=rest, unit=unit, relation="same") if rest > 0 else None
