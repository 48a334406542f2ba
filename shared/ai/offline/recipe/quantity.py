"""Parse quantities at a place in a text: numbers, ranges and units."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tokens import FRACTIONS, TextToken
from shared.ai.offline.recipe.text import TokenizedText, Unit

ONE_BY_SHAPE = {"l", "I", "|"}
"""Signs that OCR reads instead of a 1; they count as 1 only before a unit."""
MAX_LENGTH = 9
"""Longest number, in digits and signs; longer ones are telephone numbers and the like."""
RANGE_SIGNS = {"-", "–"}
TIMES = {"x", "х"}
ONE_WITHOUT_NUMBER = {"pinch", "dash", "splash", "drizzle", "knob", "handful", "bunch"}
"""Units whose name without a number means one: `Prise Salz`. A bare `EL` may have lost its number."""


@dataclass(frozen=True)
class Number:
    """A number in a text. `weak`: it is only an article."""

    value: float
    end: int
    weak: bool = False


@dataclass(frozen=True)
class Quantity:
    """An amount with its unit, up to token `end`. No amount for `a few`, which becomes a note.

    `weak`: the amount is only an article.
    """

    amount: float | None
    amount_max: float | None
    unit: str | None
    notes: tuple[str, ...]
    end: int
    weak: bool = False


def parse_digits(text: str, lexicon: Lexicon) -> float | None:
    """Return the value of digits with `.` and `,` by the rules of the language; None if they form no number."""
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
    top, _, bottom = token.text.partition("/")
    return int(top) / int(bottom) if int(bottom) else None


def parse_number(text: TokenizedText, at: int) -> Number | None:
    """Return the number that starts at a place, if any."""
    token = text.token_at(at)
    if token is None:
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


def number_from_digits(text: TokenizedText, at: int) -> Number | None:
    token = text.tokens[at]
    value = parse_digits(token.text, text.lexicon) if len(token.text) <= MAX_LENGTH else None
    if value is None:
        return None
    following = text.token_at(at + 1)
    grouped_by_space = (
        text.lexicon.tables.thousands != ","
        and re.fullmatch(r"[1-9]\d{0,2}", token.text)
        and following is not None
        and re.fullmatch(r"\d{3}", following.text)
        and following.start == token.end + 1
        and text.unit_at(at + 2)
    )
    if grouped_by_space and following:
        return Number(value * 1000 + float(following.text), at + 2)
    return add_fraction(text, Number(value, at + 1))


def add_fraction(text: TokenizedText, whole: Number) -> Number:
    """Add a fraction after a whole number: `1½`, `1 1/2`, `1-1/2`, `two and a half`, `два с половиной`."""
    if whole.value != int(whole.value):
        return whole
    at = whole.end
    has_joiner = text.is_sign(at, "-") or text.is_word(at, text.lexicon.joiners)
    if has_joiner:
        at += 2 if text.is_word(at + 1, text.lexicon.articles) else 1
    token = text.token_at(at)
    if token is None:
        return whole
    part = fraction_value(token) if token.kind == "fraction" else text.value_of_word(at)
    if part is not None and part < 1 and (has_joiner or token.kind == "fraction"):
        return Number(whole.value + part, at + 1)
    return whole


def number_from_words(text: TokenizedText, at: int) -> Number:
    """Parse number words: `twenty five`, `two hundred and fifty`, `three quarters of a`, `двести пятьдесят`."""
    value = text.lexicon.numbers[text.tokens[at].folded]
    at += 1
    while True:
        adjacent = at
        if text.is_sign(at, "-") or (value >= 100 and text.is_word(at, text.lexicon.joiners)):
            adjacent += 1
        part = text.value_of_word(adjacent)
        if part is None:
            break
        if adjacent == at and (part < 1 or (part >= 100 and value < part)):
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


def parse_quantity(text: TokenizedText, at: int) -> Quantity | None:
    """Return the quantity that starts at a place, if any."""
    lexicon = text.lexicon
    notes: list[str] = []
    if hit := text.phrase_at(at, lexicon.approximately):
        at, note = hit
        notes.append(note)
    has_opener = text.is_word(at, lexicon.range_openers) and parse_number(text, at + 1) is not None
    at += has_opener
    count = parse_number(text, at)
    hit = text.phrase_at(at, lexicon.vague)
    if hit and (count is None or hit[0] > count.end):
        return vague_quantity(text, hit[0], (*notes, hit[1]))
    if count is None:
        return bare_unit_quantity(text, at, tuple(notes))
    return quantity_after_number(text, count, notes, has_opener)


def vague_quantity(text: TokenizedText, at: int, notes: tuple[str, ...]) -> Quantity:
    unit = text.unit_at(at)
    return Quantity(None, None, unit.name if unit else None, notes, skip_of(text, unit.end if unit else at))


def bare_unit_quantity(text: TokenizedText, at: int, notes: tuple[str, ...]) -> Quantity | None:
    """Parse a unit without a number: `Prise Salz` is one pinch, `EL Öl` a unit only, `полкило` half a kilo."""
    token, prefix = text.token_at(at), text.lexicon.tables.half_prefix
    if token is None or token.kind != "word" or len(token.text) == 1:
        return None
    if prefix and token.folded.startswith(prefix):
        rest_unit = TokenizedText(token.folded[len(prefix) :].lstrip("-"), text.lexicon).unit_at(0)
        if rest_unit:
            return Quantity(0.5, None, rest_unit.name, notes, at + 1)
    unit = text.unit_at(at)
    if unit is None:
        return None
    single = unit.name in ONE_WITHOUT_NUMBER or text.lexicon.single_units.match(text.tokens, at)
    amount = 1.0 if single else None
    return Quantity(amount, None, unit.name, notes, skip_of(text, unit.end))


def quantity_after_number(text: TokenizedText, count: Number, notes: list[str], has_opener: bool) -> Quantity:
    """Parse what may follow a number: end of a range, fullness, size, unit, other measures of the same amount."""
    at, high = count.end, None
    if upper := range_end(text, at, count.value, has_opener):
        at, high = upper.end, upper.value
    elif text.is_word(at, TIMES) and (size := parse_number(text, at + 1)) and (unit := text.unit_at(size.end)):
        notes.append(text.text_between(at + 1, unit.end))
        at = unit.end
    elif text.is_word(at, TIMES) and at + 1 < len(text):
        at += 1
    at = parse_unit_description(text, parse_package_size(text, at, notes), notes)
    if text.is_sign(at, "-") and (size_unit := text.unit_at(at + 1)):
        return piece_of_size(text, count, size_unit, notes)
    main_unit = text.unit_at(at) or litre_from_ocr(text, at)
    if main_unit is None:
        return Quantity(count.value, high, None, tuple(notes), at, count.weak)
    at, value = main_unit.end, count.value
    if (
        (upper := range_end(text, at, value))
        and (upper_unit := text.unit_at(upper.end))
        and upper_unit.name == main_unit.name
    ):
        at, high = upper_unit.end, upper.value
    elif value == int(value) and has_half_after(text, at):
        at, value = at + 3, value + 0.5
    if hit := text.phrase_at(at, text.lexicon.heaped):
        at, note = hit
        notes.append(note)
    at = parse_contents(text, skip_of(text, parse_other_measures(text, at, notes)), notes)
    return Quantity(float(value * main_unit.factor), high and high * main_unit.factor, main_unit.name, tuple(notes), at)


def range_end(text: TokenizedText, at: int, low: float, has_opener: bool = False) -> Number | None:
    """Return the upper end of a range whose separator is at a place; `and` separates only after `between`."""
    between = text.lexicon.range_words | (text.lexicon.joiners if has_opener else frozenset())
    if not (text.is_sign(at, RANGE_SIGNS) or text.is_word(at, between)):
        return None
    high = parse_number(text, at + 1)
    return high if high and not high.weak and high.value > low else None


def parse_package_size(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add the size of a package to the notes: `1 (14 oz) can`, `1 14-oz can`; return the index after it."""
    bracket = text.bracket_at(at)
    if bracket and text.unit_at(bracket[0]):
        notes.append(bracket[1])
        return bracket[0]
    size = parse_number(text, at)
    if size is None or size.weak:
        return at
    unit = text.unit_at(size.end + 1 if text.is_sign(size.end, "-") else size.end)
    if unit is None or not text.unit_at(unit.end):
        return at
    notes.append(text.text_between(at, unit.end))
    return unit.end


def parse_unit_description(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add `heaped` or `small` before a unit to the notes; return the index after it."""
    end, descriptions = at, []
    while (hit := text.phrase_at(end, text.lexicon.heaped)) or text.is_word(end, text.lexicon.sizes):
        start, end = end, hit[0] if hit else end + 1
        descriptions.append(text.text_between(start, end))
    if not text.unit_at(end):
        return at
    notes += descriptions
    return end


def piece_of_size(text: TokenizedText, count: Number, size: Unit, notes: list[str]) -> Quantity:
    """Return one piece of a size: `2-inch piece`."""
    piece_unit = text.unit_at(size.end)
    if piece_unit is None:
        return Quantity(count.value, None, size.name, tuple(notes), skip_of(text, size.end))
    notes.append(text.text_between(count.end - 1, size.end))
    return Quantity(1, None, piece_unit.name, tuple(notes), skip_of(text, piece_unit.end))


def litre_from_ocr(text: TokenizedText, at: int) -> Unit | None:
    """Return the litre that OCR reads as `I`: `1 I Milch`."""
    return Unit("l", 1, at + 1) if text.is_sign(at, "I") and text.token_at(at + 1) else None


def has_half_after(text: TokenizedText, at: int) -> bool:
    """Return True if `and a half` follows: `a cup and a half`."""
    return (
        text.is_word(at, text.lexicon.joiners)
        and text.is_word(at + 1, text.lexicon.articles)
        and text.value_of_word(at + 2) == 0.5
    )


def parse_other_measures(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add further measures to the notes: `(2 cups)`, `/ 2 cups`, `= 250 g`, `+ 1 tbsp`; return the index after them."""
    while True:
        if bracket := text.bracket_at(at):
            at, note = bracket
            notes.append(note)
            continue
        count = parse_number(text, at + 1) if text.is_sign(at, "/|=+") else None
        unit = text.unit_at(count.end) if count else None
        if unit is None:
            return at
        notes.append(text.text_between(at if text.is_sign(at, "+") else at + 1, unit.end))
        at = unit.end


def parse_contents(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add the `500 g` of `1 pack of 500 g pasta` to the notes; return the index after it."""
    size = parse_number(text, at)
    unit = text.unit_at(size.end) if size and not size.weak else None
    if unit is None or unit.end >= len(text):
        return at
    notes.append(text.text_between(at, unit.end))
    return unit.end


def skip_of(text: TokenizedText, at: int) -> int:
    return at + 1 if text.is_word(at, text.lexicon.of) else at
