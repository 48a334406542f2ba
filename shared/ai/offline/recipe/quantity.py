"""How much of something: numbers, ranges and units at a place in a text."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ai.offline.recipe.cursor import Text, Unit
from shared.ai.offline.recipe.numbers import Number, number

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


def quantity(text: Text, at: int) -> Quantity | None:
    """The quantity that starts at a place, if there is one."""
    tongue = text.tongue
    notes: list[str] = []
    if hit := text.phrase(at, tongue.approximately):
        at, note = hit
        notes.append(note)
    opened = text.is_word(at, tongue.range_openers) and number(text, at + 1) is not None
    at += opened
    count = number(text, at)
    hit = text.phrase(at, tongue.vague)
    if hit and (count is None or hit[0] > count.end):
        return vague(text, hit[0], (*notes, hit[1]))
    if count is None:
        return without_number(text, at, tuple(notes))
    return counted(text, count, notes, opened)


def vague(text: Text, at: int, notes: tuple[str, ...]) -> Quantity:
    unit = text.unit(at)
    return Quantity(None, None, unit.name if unit else None, notes, past_of(text, unit.end if unit else at))


def without_number(text: Text, at: int, notes: tuple[str, ...]) -> Quantity | None:
    """`Prise Salz` is one pinch; `EL Öl` has a unit only; `полкило` is half a kilo."""
    token, prefix = text.token(at), text.tongue.tables.half_prefix
    if token is None or token.kind != "word" or len(token.text) == 1:
        return None
    if prefix and token.folded.startswith(prefix):
        named = Text(token.folded[len(prefix) :].lstrip("-"), text.tongue).unit(0)
        if named:
            return Quantity(0.5, None, named.name, notes, at + 1)
    unit = text.unit(at)
    if unit is None:
        return None
    single = unit.name in ONE_WITHOUT_NUMBER or text.tongue.single_units.at(text.tokens, at)
    amount = 1.0 if single else None
    return Quantity(amount, None, unit.name, notes, past_of(text, unit.end))


def counted(text: Text, count: Number, notes: list[str], opened: bool) -> Quantity:
    """What follows a number: the end of a range, how full, how large, the unit, other measures of the same."""
    at, high = count.end, None
    if upper := range_end(text, at, count.value, opened):
        at, high = upper.end, upper.value
    elif text.is_word(at, TIMES) and (size := number(text, at + 1)) and (unit := text.unit(size.end)):
        notes.append(text.between(at + 1, unit.end))
        at = unit.end
    elif text.is_word(at, TIMES) and at + 1 < len(text):
        at += 1
    at = described(text, package_size(text, at, notes), notes)
    if text.is_sign(at, "-") and (size_unit := text.unit(at + 1)):
        return hyphenated(text, count, size_unit, notes)
    found = text.unit(at) or misread_litre(text, at)
    if found is None:
        return Quantity(count.value, high, None, tuple(notes), at, count.weak)
    at, value = found.end, count.value
    if (upper := range_end(text, at, value)) and (again := text.unit(upper.end)) and again.name == found.name:
        at, high = again.end, upper.value
    elif value == int(value) and half_follows(text, at):
        at, value = at + 3, value + 0.5
    if hit := text.phrase(at, text.tongue.heaped):
        at, note = hit
        notes.append(note)
    at = contents(text, past_of(text, other_measures(text, at, notes)), notes)
    return Quantity(float(value * found.factor), high and high * found.factor, found.name, tuple(notes), at)


def range_end(text: Text, at: int, low: float, opened: bool = False) -> Number | None:
    """The upper end of a range whose separator stands at a place; `and` separates only after `between`."""
    between = text.tongue.range_words | (text.tongue.joiners if opened else frozenset())
    if not (text.is_sign(at, RANGE_SIGNS) or text.is_word(at, between)):
        return None
    high = number(text, at + 1)
    return high if high and not high.weak and high.value > low else None


def package_size(text: Text, at: int, notes: list[str]) -> int:
    """`1 (14 oz) can`, `1 14-oz can`: the size of the can becomes a note."""
    bracket = text.bracket(at)
    if bracket and text.unit(bracket[0]):
        notes.append(bracket[1])
        return bracket[0]
    size = number(text, at)
    if size is None or size.weak:
        return at
    unit = text.unit(size.end + 1 if text.is_sign(size.end, "-") else size.end)
    if unit is None or not text.unit(unit.end):
        return at
    notes.append(text.between(at, unit.end))
    return unit.end


def described(text: Text, at: int, notes: list[str]) -> int:
    """`heaped` or `small` before a unit becomes a note."""
    end, found = at, []
    while (hit := text.phrase(end, text.tongue.heaped)) or text.is_word(end, text.tongue.sizes):
        start, end = end, hit[0] if hit else end + 1
        found.append(text.between(start, end))
    if not text.unit(end):
        return at
    notes += found
    return end


def hyphenated(text: Text, count: Number, size: Unit, notes: list[str]) -> Quantity:
    """`2-inch piece`: one piece of that size."""
    whole = text.unit(size.end)
    if whole is None:
        return Quantity(count.value, None, size.name, tuple(notes), past_of(text, size.end))
    notes.append(text.between(count.end - 1, size.end))
    return Quantity(1, None, whole.name, tuple(notes), past_of(text, whole.end))


def misread_litre(text: Text, at: int) -> Unit | None:
    """OCR's `1 I Milch`."""
    return Unit("l", 1, at + 1) if text.is_sign(at, "I") and text.token(at + 1) else None


def half_follows(text: Text, at: int) -> bool:
    """`a cup and a half`."""
    return (
        text.is_word(at, text.tongue.joiners)
        and text.is_word(at + 1, text.tongue.articles)
        and text.value_of_word(at + 2) == 0.5
    )


def other_measures(text: Text, at: int, notes: list[str]) -> int:
    """`(2 cups)`, `/ 2 cups`, `= 250 g`, `+ 1 tbsp` after a unit become notes."""
    while True:
        if bracket := text.bracket(at):
            at, note = bracket
            notes.append(note)
            continue
        count = number(text, at + 1) if text.is_sign(at, "/|=+") else None
        unit = text.unit(count.end) if count else None
        if unit is None:
            return at
        notes.append(text.between(at if text.is_sign(at, "+") else at + 1, unit.end))
        at = unit.end


def contents(text: Text, at: int, notes: list[str]) -> int:
    """The `500 g` of `1 pack of 500 g pasta`."""
    size = number(text, at)
    unit = text.unit(size.end) if size and not size.weak else None
    if unit is None or unit.end >= len(text):
        return at
    notes.append(text.between(at, unit.end))
    return unit.end


def past_of(text: Text, at: int) -> int:
    return at + 1 if text.is_word(at, text.tongue.of) else at
