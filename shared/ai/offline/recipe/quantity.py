"""How much of something: numbers, ranges and units at a place in a text."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ai.offline.recipe.cursor import TokenizedText, Unit
from shared.ai.offline.recipe.numbers import Number, parse_number

RANGE_SIGNS = {"-", "–"}
TIMES = {"x", "х"}
ONE_WITHOUT_NUMBER = {"pinch", "dash", "splash", "drizzle", "knob", "handful", "bunch"}
"""Units whose bare name means one of them: `Prise Salz`. A bare `EL` may have lost its number."""


@dataclass(frozen=True)
class Quantity:
    """How much, up to token `end`. Without amount for `a few`, which becomes a note.

    `weak`: nothing but an article says so.
    """

    amount: float | None
    amount_max: float | None
    unit: str | None
    notes: tuple[str, ...]
    end: int
    weak: bool = False


def parse_quantity(text: TokenizedText, at: int) -> Quantity | None:
    """The quantity that starts at a place, if there is one."""
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
    """`Prise Salz` is one pinch; `EL Öl` has a unit only; `полкило` is half a kilo."""
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
    """What follows a number: the end of a range, how full, how large, the unit, other measures of the same."""
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
    """The upper end of a range whose separator stands at a place; `and` separates only after `between`."""
    between = text.lexicon.range_words | (text.lexicon.joiners if has_opener else frozenset())
    if not (text.is_sign(at, RANGE_SIGNS) or text.is_word(at, between)):
        return None
    high = parse_number(text, at + 1)
    return high if high and not high.weak and high.value > low else None


def parse_package_size(text: TokenizedText, at: int, notes: list[str]) -> int:
    """`1 (14 oz) can`, `1 14-oz can`: the size of the can becomes a note."""
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
    """`heaped` or `small` before a unit becomes a note."""
    end, descriptions = at, []
    while (hit := text.phrase_at(end, text.lexicon.heaped)) or text.is_word(end, text.lexicon.sizes):
        start, end = end, hit[0] if hit else end + 1
        descriptions.append(text.text_between(start, end))
    if not text.unit_at(end):
        return at
    notes += descriptions
    return end


def piece_of_size(text: TokenizedText, count: Number, size: Unit, notes: list[str]) -> Quantity:
    """`2-inch piece`: one piece of that size."""
    piece_unit = text.unit_at(size.end)
    if piece_unit is None:
        return Quantity(count.value, None, size.name, tuple(notes), skip_of(text, size.end))
    notes.append(text.text_between(count.end - 1, size.end))
    return Quantity(1, None, piece_unit.name, tuple(notes), skip_of(text, piece_unit.end))


def litre_from_ocr(text: TokenizedText, at: int) -> Unit | None:
    """OCR's `1 I Milch`."""
    return Unit("l", 1, at + 1) if text.is_sign(at, "I") and text.token_at(at + 1) else None


def has_half_after(text: TokenizedText, at: int) -> bool:
    """`a cup and a half`."""
    return (
        text.is_word(at, text.lexicon.joiners)
        and text.is_word(at + 1, text.lexicon.articles)
        and text.value_of_word(at + 2) == 0.5
    )


def parse_other_measures(text: TokenizedText, at: int, notes: list[str]) -> int:
    """`(2 cups)`, `/ 2 cups`, `= 250 g`, `+ 1 tbsp` after a unit become notes."""
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
    """The `500 g` of `1 pack of 500 g pasta`."""
    size = parse_number(text, at)
    unit = text.unit_at(size.end) if size and not size.weak else None
    if unit is None or unit.end >= len(text):
        return at
    notes.append(text.text_between(at, unit.end))
    return unit.end


def skip_of(text: TokenizedText, at: int) -> int:
    return at + 1 if text.is_word(at, text.lexicon.of) else at
