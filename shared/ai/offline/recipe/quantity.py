"""Parse quantities at a place in a text: a number or range, its unit, and further measures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.ai.offline.recipe.measure import (
    PACKAGES,
    TIMES,
    Number,
    fraction_after,
    parse_further,
    parse_number,
    range_end,
    subtract_measure,
    unit_after,
)
from shared.ai.offline.recipe.text import TokenizedText, Unit
from shared.analyses.recipe import Measure
from shared.analyses.units import SIZES

ONE_WITHOUT_NUMBER = {
    "pinch", "knife-tip", "dash", "splash", "drizzle", "knob", "handful", "bunch", "squirt", "dollop", "twist", "glug",
}  # fmt: skip
"""Units whose name without a number means one: `Prise Salz`. A bare `EL` may have lost its number."""

MAX_ABBREVIATION = 6
MAX_DESCRIPTION_WORDS = 2
MIN_ADJECTIVE = 3
MIN_UNIT_WORD = 3
MIN_INVERTED_UNIT = 4
ADJECTIVE_ENDINGS = ("e", "er", "es", "en", "em")


@dataclass(frozen=True)
class Quantity:
    """An amount with its unit, up to token `end`. No amount for `a few`, which becomes a note.

    Attributes:
        measures: Further measures, to be added or of the same amount.
        weak: The amount is only an article.
        is_doubtful: A number is stated, but not read, since it counts something unknown.
    """

    amount: float | None
    amount_max: float | None
    unit: str | None
    notes: tuple[str, ...]
    end: int
    weak: bool = False
    measures: tuple[Measure, ...] = ()
    is_doubtful: bool = False


def parse_quantity(text: TokenizedText, at: int) -> Quantity | None:
    """Return the quantity that starts at a place, if any."""
    lexicon = text.lexicon
    notes: list[str] = []
    if hit := text.phrase_at(at, lexicon.approximately):
        at, note = hit
        notes.append(note)
    fullness = text.phrase_at(at, lexicon.heaped)
    if fullness and parse_number(text, fullness[0]):  # `scant ¼ teaspoon`
        at, note = fullness
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
    descriptions: list[str] = []
    at = parse_unit_description(text, at, descriptions)
    unit = text.unit_at(at)
    if unit is None:
        return None
    if inverted := number_after_unit(text, unit, len(token.text)):
        return Quantity(inverted.value, None, unit.name, (*notes, *descriptions), inverted.end)
    single = unit.name in ONE_WITHOUT_NUMBER or text.lexicon.single_units.match(text.tokens, at)
    amount, end = 1.0 if single else None, skip_of(text, unit.end)
    part = text.value_of_word(unit.end + 1) if text.is_word(unit.end, text.lexicon.joiners) else None
    if single and part is not None and part < 1:
        amount, end = 1 + part, unit.end + 2
    return Quantity(amount, None, unit.name, (*notes, *descriptions), end)


def number_after_unit(text: TokenizedText, unit: Unit, length: int) -> Number | None:
    """Return the number of `зубчика три чеснока`, which comes after its unit where it is approximate."""
    if not text.lexicon.tables.inverts_numbers or length < MIN_INVERTED_UNIT:
        return None
    count = parse_number(text, unit.end)
    is_free = count is not None and not text.unit_at(count.end) and text.lexicon.has_food(text.tokens[count.end :])
    return count if is_free else None


def quantity_after_number(text: TokenizedText, count: Number, notes: list[str], has_opener: bool) -> Quantity:
    """Parse what may follow a number: end of a range, fullness, size, unit, further measures."""
    at, high = count.end, None
    if upper := range_end(text, at, count.value, has_opener):
        at, high = upper.end, upper.value
    elif text.is_word(at, TIMES) and (size := parse_number(text, at + 1)) and (unit := text.unit_at(size.end)):
        notes.append(text.text_between(at + 1, unit.end))
        at = unit.end
    elif text.is_word(at, TIMES) and at + 1 < len(text):
        at += 1
    if count.value < 1:
        at = skip_article(text, at)
    at = parse_unit_description(text, parse_package_size(text, at, notes), notes, after_number=True)
    if text.is_sign(at, "-") and (size_unit := text.unit_at(at + 1)):
        return piece_of_size(text, count, high, size_unit, notes)
    main_unit = None if text.size_at(at) else text.unit_at(at) or litre_from_ocr(text, at)
    main_unit = main_unit or container_at(text, at)
    if main_unit is None and is_unknown_abbreviation(text, at):
        end = text.skip_dot(at + 1)
        return Quantity(None, None, None, (*notes, text.text_between(count.end - 1, end)), end, is_doubtful=True)
    if main_unit is None:
        return Quantity(count.value, high, None, tuple(notes), at, count.weak)
    main_unit = skip_repetition(text, main_unit)
    if package := package_of_size(text, main_unit):
        notes.append(text.text_between(count.end - 1, main_unit.end))
        return Quantity(1, None, package.name, tuple(notes), skip_of(text, package.end))
    at, value = main_unit.end, count.value
    if (
        (upper := range_end(text, at, value))
        and (upper_unit := text.unit_at(upper.end))
        and upper_unit.name == main_unit.name
    ):
        at, high = upper_unit.end, upper.value
    elif more := number_after_or(text, at):
        at, high = more.end, more.value
    elif value == int(value) and (part := fraction_after(text, at)):
        at, value = part.end, value + part.value
    at = parse_fullness(text, at, notes)
    main = Measure(amount=value * main_unit.factor, unit=main_unit.name, relation="same")
    return with_further(text, at, main, high and high * main_unit.factor, notes)


def skip_article(text: TokenizedText, at: int) -> int:
    """Return the index after the `of a` of `1/2 of a 14-oz block`."""
    start = at + 1 if text.is_word(at, text.lexicon.of) else at
    return start + 1 if start > at and text.is_word(start, text.lexicon.articles) else at


def container_at(text: TokenizedText, at: int) -> Unit | None:
    """Return an unknown word before `of` and a food as the unit: `2 fistfuls of spaghetti`."""
    lexicon, token = text.lexicon, text.token_at(at)
    if token is None or token.kind != "word" or not text.is_word(at + 1, lexicon.of - lexicon.joiners):
        return None
    is_other = text.is_word(at, lexicon.stops | lexicon.no_ingredient | lexicon.verbs) or lexicon.food_end(
        text.tokens, at
    )
    if is_other or lexicon.parts.match(text.tokens, at) or not lexicon.has_food(text.tokens[at + 2 :]):
        return None
    return Unit(token.folded.removesuffix("s"), 1, at + 1)


def is_unknown_abbreviation(text: TokenizedText, at: int) -> bool:
    """Return True for a word that counts an ingredient but is no known unit: `1 Xyz. Mehl`, `2 bsp Mehl`."""
    lexicon = text.lexicon
    if is_unknown_unit(text, at):
        return True
    if not text.is_abbreviation_after_number(at) or len(text.tokens[at].text) > MAX_ABBREVIATION:
        return False
    is_noun = not lexicon.tables.capital_nouns or text.tokens[at].text[0].isupper()
    return is_noun and not lexicon.food_end(text.tokens, at) and lexicon.has_food(text.tokens[at + 2 :])


def is_unknown_unit(text: TokenizedText, at: int) -> bool:
    """Return True for a word before a German noun that has no ending of an adjective: `2 bsp Mehl`."""
    lexicon, token, noun = text.lexicon, text.token_at(at), text.token_at(at + 1)
    if not lexicon.tables.capital_nouns or token is None or noun is None or token.kind != "word":
        return False
    is_adjective = token.folded.endswith(ADJECTIVE_ENDINGS) or text.is_word(at, lexicon.uninflected | lexicon.stops)
    is_adjective = is_adjective or text.size_at(at) is not None
    is_noun = noun.kind == "word" and noun.text[0].isupper() and lexicon.has_food(text.tokens[at + 1 :])
    return is_noun and token.text.islower() and not is_adjective and lexicon.food_end(text.tokens, at) is None


def skip_repetition(text: TokenizedText, unit: Unit) -> Unit:
    """Return the unit with its end after a repetition of it: `1 TL TL Salz`."""
    more = text.unit_at(unit.end)
    return replace(unit, end=more.end) if more and more.name == unit.name and more.end < len(text) else unit


def number_after_or(text: TokenizedText, at: int) -> Number | None:
    """Return the upper end of a range that has its unit only once: `a dash or two of`."""
    more = parse_number(text, at + 1) if text.is_word(at, text.lexicon.alternatives) else None
    return more if more and not more.weak and text.is_word(more.end, text.lexicon.of) else None


def parse_fullness(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add how full a spoon is, after its unit, to the notes: `1 EL, gehäuft`; return the index after it."""
    start = at + 1 if text.is_sign(at, ",") else at
    hit = text.phrase_at(start, text.lexicon.heaped)
    if hit is None:
        return at
    notes.append(hit[1])
    return hit[0]


def with_further(text: TokenizedText, at: int, main: Measure, high: float | None, notes: list[str]) -> Quantity:
    """Return the main measure with those that follow it; without an amount if it cannot be calculated."""
    further = parse_further(text, at, main)
    package = text.unit_at(further.end)
    if further.measures and package and package.name in PACKAGES:
        notes.append(text.text_between(0, further.end))
        return Quantity(1, None, package.name, tuple(notes), skip_of(text, package.end))
    notes += further.notes
    at = parse_contents(text, skip_of(text, skip_extra(text, further.end, notes)), notes)
    measures = tuple(further.measures)
    if further.minus is None:
        return Quantity(main.amount, high, main.unit, tuple(notes), at, measures=measures)
    rest = subtract_measure(main, further.minus)
    if rest is None or high is not None:
        return Quantity(None, None, None, (*notes, text.text_between(0, further.end)), at)
    return Quantity(rest.amount, None, rest.unit, tuple(notes), at)


def skip_extra(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add the `extra` of `1 cup + extra parmesan` to the notes; return the index after it."""
    if text.is_sign(at, "+") or text.is_word(at, text.lexicon.plus):
        hit = text.phrase_at(at + 1, text.lexicon.extra)
        if hit:
            notes.append(f"{text.lexicon.tables.plus_word} {hit[1]}")
            return hit[0]
    return at


def package_of_size(text: TokenizedText, size: Unit) -> Unit | None:
    """Return the package whose size stands right before it: `1 lb box`, `400 g Dose`."""
    unit = text.unit_at(size.end)
    return unit if unit and size.name in SIZES and unit.name in PACKAGES else None


def parse_package_size(text: TokenizedText, at: int, notes: list[str]) -> int:
    """Add the size of a package to the notes: `1 (14 oz) can`, `1 14-oz can`; return the index after it."""
    bracket = text.bracket_at(at)
    if bracket and text.unit_at(bracket[0]):
        notes.append(bracket[1])
        return bracket[0]
    size = parse_number(text, at)
    if size is None or size.weak:
        return at
    size = range_end(text, size.end, size.value) or size
    unit = unit_after(text, size)
    is_length = unit is not None and SIZES.get(unit.name, ("", 0))[0] == "length"
    has_hyphen = text.is_sign(size.end, "-")
    if unit is None or not (text.unit_at(unit.end) or is_length or has_hyphen):
        return at
    end = unit.end
    if is_length:
        end += text.is_sign(end, "-") and text.token_at(end + 1) is not None
        end += text.is_word(end, text.lexicon.dimensions)
    notes.append(text.text_between(at, end))
    return end


def parse_unit_description(text: TokenizedText, at: int, notes: list[str], after_number: bool = False) -> int:
    """Add `heaped` or `small` before a unit to the notes; return the index after it."""
    end, descriptions = at, []
    while hit := text.phrase_at(end, text.lexicon.heaped) or text.size_at(end):
        end, description = hit
        descriptions.append(description)
        end += text.is_sign(end, ",") and text.token_at(end + 1) is not None
    if after_number and not text.unit_at(end) and (unit_start := unit_after_adjectives(text, end)):
        descriptions.append(text.text_between(end, unit_start))
        end = unit_start
    if not text.unit_at(end):
        return at
    notes += descriptions
    return end


def unit_after_adjectives(text: TokenizedText, start: int) -> int | None:
    """Return the place of the unit after one or two words that describe it: `8 unpeeled cloves`."""
    lexicon = text.lexicon
    for at in range(start, start + MAX_DESCRIPTION_WORDS):
        token = text.token_at(at)
        if (
            token is None
            or token.kind != "word"
            or len(token.text) < MIN_ADJECTIVE
            or lexicon.food_end(text.tokens, at)
        ):
            return None
        is_other = text.is_word(at, lexicon.stops | lexicon.no_ingredient | lexicon.joiners | lexicon.verbs)
        if is_other or text.value_of_word(at) is not None or (lexicon.tables.capital_nouns and token.text[0].isupper()):
            return None
        unit = text.unit_at(at + 1)
        following = text.token_at(unit.end) if unit else None
        has_name = following is not None and following.kind == "word"
        is_word = len(text.tokens[at + 1].text) >= MIN_UNIT_WORD if unit else False  # not the `l` of `2 rote l`
        if unit and has_name and is_word and not lexicon.food_end(text.tokens, at + 1):
            return at + 1
    return None


def piece_of_size(text: TokenizedText, count: Number, high: float | None, size: Unit, notes: list[str]) -> Quantity:
    """Return one piece of a size: `2-inch piece`."""
    piece_unit = text.unit_at(size.end)
    if piece_unit is None:
        return Quantity(count.value, high, size.name, tuple(notes), skip_of(text, size.end))
    notes.append(text.text_between(count.end - 1, size.end))
    return Quantity(1, None, piece_unit.name, tuple(notes), skip_of(text, piece_unit.end))


def litre_from_ocr(text: TokenizedText, at: int) -> Unit | None:
    """Return the litre that OCR reads as `I`: `1 I Milch`."""
    return Unit("l", 1, at + 1) if text.is_sign(at, "I") and text.token_at(at + 1) else None


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
