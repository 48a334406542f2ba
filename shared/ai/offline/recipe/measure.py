"""Parse numbers, and the further measures of an ingredient: `2 cups (240 g)`, `1 cup + 2 tbsp`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import FRACTIONS, TextToken
from shared.ai.offline.recipe.text import TokenizedText, Unit
from shared.analyses.recipe import Measure
from shared.analyses.units import SIZES

ONE_BY_SHAPE = {"l", "I", "|"}
"""Signs that OCR reads instead of a 1; they count as 1 only before a unit."""
MAX_LENGTH = 9
"""Longest number, in digits and signs; longer ones are telephone numbers and the like."""
RANGE_SIGNS = {"-", "–"}
TIMES = {"x", "х"}
MULTIPLES = {10, 12, 100, 1000}
"""Number words that multiply the number before them: `3 dozen`, `2 десятка`."""


@dataclass(frozen=True)
class Number:
    """A number in a text. `weak`: it is only an article."""

    value: float
    end: int
    weak: bool = False


def parse_digits(text: str, lexicon: Lexicon) -> float | None:
    """Return the value of digits with `.` and `,` by the rules of the language; None if they form no number."""
    if text.startswith("."):
        return float(text) if text[1:].isdecimal() else None
    separators = [char for char in text if char in ".,"]
    if not separators:
        return float(text)
    last = separators[-1]
    whole, part = text.rsplit(last, 1)
    decimal, thousands = lexicon.tables.decimal, lexicon.tables.thousands
    if len(separators) == 1 and (
        last == decimal or last != thousands or len(part) != 3 or len(whole) > 3 or whole == "0"
    ):
        return float(f"{whole}.{part}")
    alike = len(set(separators)) == 1
    groups = re.split("[.,]", text if alike else whole)
    if any(len(group) != 3 for group in groups[1:]) or len(groups[0]) > 3:
        return None
    return float("".join(groups)) if alike else float(f"{''.join(groups)}.{part}")


def fraction_value(token: TextToken) -> float | None:
    if token.text in FRACTIONS:
        return FRACTIONS[token.text]
    top, bottom = (int(part) for part in re.findall(r"\d+", token.text))
    return top / bottom if bottom else None


def parse_number(text: TokenizedText, at: int) -> Number | None:
    """Return the number that starts at a place, if any."""
    token = text.token_at(at)
    if token is None or is_part_of_name(text, at):
        return None
    food = text.lexicon.foods.match(text.tokens, at)
    if food and food[0] > at + 1:
        return None
    if token.kind == "fraction":
        value = fraction_value(token)
        return None if value is None else Number(value, at + 1)
    if token.kind == "number":
        return number_from_digits(text, at)
    if token.folded in text.lexicon.articles:
        value = text.value_of_word(at + 1)
        stands_before_number = value is not None and (value < 1 or value in (12, 100, 1000))
        return number_from_words(text, at + 1) if stands_before_number else Number(1, at + 1, weak=True)
    if token.folded in text.lexicon.numbers:
        return number_from_words(text, at)
    if token.text in ONE_BY_SHAPE and text.unit_at(at + 1):
        return Number(1, at + 1)
    return None


def is_part_of_name(text: TokenizedText, at: int) -> bool:
    """Return True if a number belongs to the letters right before it (`С1`), which are no unit (`1h30`) and no `x2`."""
    token, before, first = text.token_at(at), text.token_at(at - 1), text.token_at(at - 2)
    if token is None or before is None or token.kind == "word" or before.kind != "word" or before.end != token.start:
        return False
    follows_number = first is not None and first.kind == "number" and first.end == before.start
    return not (follows_number or before.folded in TIMES)


def number_from_digits(text: TokenizedText, at: int) -> Number | None:
    token = text.tokens[at]
    value = parse_digits(token.text, text.lexicon) if len(token.text) <= MAX_LENGTH else None
    if value is None or is_joined_to_word(text, at):
        return None
    following = text.token_at(at + 1)
    grouped_by_space = (
        text.lexicon.tables.thousands != ","
        and re.fullmatch(r"[1-9]\d{0,2}", token.text)
        and following is not None
        and re.fullmatch(r"\d{3}", following.text)
        and following.start == token.end + 1
        and (unit := text.unit_at(at + 2))
        and not text.unit_at(unit.end)
    )
    if grouped_by_space and following:
        return Number(value * 1000 + float(following.text), at + 2)
    multiple = text.value_of_word(at + 1)
    if multiple in MULTIPLES:
        return Number(value * multiple, at + 2)
    return add_fraction(text, Number(value, at + 1))


def is_joined_to_word(text: TokenizedText, at: int) -> bool:
    """Return True for the number of `3-fach` and `5-spice powder`, which counts nothing; not for `14-oz`."""
    token, hyphen, word = text.tokens[at], text.token_at(at + 1), text.token_at(at + 2)
    if hyphen is None or word is None or hyphen.text != "-" or word.kind != "word":
        return False
    is_close = token.end == hyphen.start and hyphen.end == word.start
    others = text.lexicon.range_words | text.lexicon.serving_words
    is_time = text.lexicon.minutes.match(text.tokens, at + 2)
    return is_close and not (text.unit_at(at + 2) or is_time or text.is_word(at + 2, others))


def add_fraction(text: TokenizedText, whole: Number) -> Number:
    """Add a fraction after a whole number: `1½`, `1 1/2`, `1-1/2`, `two and a half`, `два с половиной`."""
    if whole.value != int(whole.value):
        return whole
    at = whole.end
    has_joiner = text.is_sign(at, "-") or text.is_word(at, text.lexicon.joiners)
    if has_joiner:
        at += 2 if text.is_word(at + 1, text.lexicon.articles) else 1
    token = text.token_at(at)
    if token is None or (text.is_sign(at + 1, "-") and text.unit_at(at + 2)):  # `12 ½-inch slices`
        return whole
    part = fraction_value(token) if token.kind == "fraction" else text.value_of_word(at)
    share = text.value_of_word(at + 1)
    if has_joiner and part is not None and share is not None and share < 1:
        return Number(whole.value + part * share, at + 2)
    if part is not None and part < 1 and (has_joiner or token.kind == "fraction"):
        return Number(whole.value + part, at + 1)
    return whole


def number_from_words(text: TokenizedText, at: int) -> Number:
    """Parse number words: `twenty five`, `two hundred and fifty`, `three quarters of a`, `двести пятьдесят`."""
    value = text.lexicon.numbers[text.tokens[at].folded]
    at += 1
    while True:
        adjacent, has_hyphen = at, text.is_sign(at, "-")
        has_joiner = value >= 100 and text.is_word(at, text.lexicon.joiners)
        adjacent += has_hyphen or has_joiner
        part = text.value_of_word(adjacent)
        if part is None or (has_joiner and part < 1):
            break
        if part < 1 or (not has_hyphen and part >= 12 and part in MULTIPLES and value < part and adjacent == at):
            value *= part
        elif 1 <= part < 100 and (value % 100 == 0 or (part < 10 and value >= 20 and value % 10 == 0)):
            value += part
        else:
            break
        at = adjacent + 1
    if value >= 1:
        return add_fraction(text, Number(value, at))
    while text.is_word(at, text.lexicon.of | text.lexicon.articles):
        at += 1
    return Number(value, at)


def fraction_after(text: TokenizedText, at: int) -> Number | None:
    """Return the fraction that a unit is followed by: `a cup and a half`, `an hour and a quarter`."""
    if not (text.is_word(at, text.lexicon.joiners) and text.is_word(at + 1, text.lexicon.articles)):
        return None
    value = text.value_of_word(at + 2)
    return Number(value, at + 3) if value is not None and value < 1 and not text.unit_at(at + 3) else None


def range_end(text: TokenizedText, at: int, low: float, has_opener: bool = False) -> Number | None:
    """Return the upper end of a range whose separator is at a place; `and` separates only after `between`."""
    between = text.lexicon.range_words | (text.lexicon.joiners if has_opener else frozenset())
    if not (text.is_sign(at, RANGE_SIGNS) or text.is_word(at, between)):
        return None
    high = parse_number(text, at + 1)
    return high if high and not high.weak and high.value > low else None


PACKAGES = {
    "can", "jar", "bottle", "pack", "bag", "box", "tub", "glass", "cube", "ball", "bar", "roll", "sheet", "block",
    "pot", "punnet", "log", "tube", "tray", "net", "loaf",
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
