"""Laws that hold for any quantity and any text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ai.offline.language.lexicon import LANGUAGES, Lexicon, load_lexicon
from shared.ai.offline.language.tables import FRACTIONS, split_phrases, words
from shared.ai.offline.recipe.ingredient import parse_ingredients
from shared.ai.offline.recipe.mention import find_mentions
from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.recipe.quantity import parse_quantity
from shared.ai.offline.recipe.text import TokenizedText, normalize_text, repair_ocr
from shared.models.video import Segment

codes = st.sampled_from(LANGUAGES)
NAMES = {"en": "flour", "de": "Mehl", "ru": "муки"}


def format_value(value: Fraction, tongue: Lexicon, mixed: bool) -> str:
    """A number as people write it in a language: `1.5`, `1,5`, `1 1/2`."""
    whole, rest = divmod(value, 1)
    if mixed and rest:
        return f"{whole} {rest.numerator}/{rest.denominator}" if whole else f"{rest.numerator}/{rest.denominator}"
    return f"{float(value):g}".replace(".", tongue.tables.decimal)


def unit_forms(code: str) -> st.SearchStrategy[tuple[str, str]]:
    """A normalised unit and one of its forms."""
    tongue = load_lexicon(code)
    return st.sampled_from(
        [(unit, form) for unit, forms in tongue.tables.units.items() for form in split_phrases(forms)]
    )


@st.composite
def quantities(draw: st.DrawFn) -> tuple[str, Fraction, str, str, bool]:
    code = draw(codes)
    halves = st.builds(Fraction, st.integers(1, 400), st.sampled_from([2, 4, 5, 8, 10]))
    value = draw(st.one_of(st.integers(1, 999).map(Fraction), halves))
    unit, form = draw(unit_forms(code))
    return code, value, unit, form, draw(st.booleans())


@given(quantities())
def test_a_formatted_quantity_is_read_back(drawn: tuple[str, Fraction, str, str, bool]) -> None:
    """Whatever amount and unit an author writes, the reader gets just that."""
    code, value, unit, form, mixed = drawn
    tongue = load_lexicon(code)
    line = f"{format_value(value, tongue, mixed and value.denominator in (2, 4, 8))} {form} {NAMES[code]}"
    (parsed,) = parse_ingredients(line, tongue)
    assert (parsed.amount, parsed.unit, parsed.name) == (pytest.approx(float(value)), unit, NAMES[code])


@given(codes, st.integers(1, 500), st.integers(1, 500), st.sampled_from(["-", "–", " - ", " – "]))
def test_a_range_is_read_back(code: str, low: int, width: int, sign: str) -> None:
    """Both ends of a range arrive, whatever dash stands between them."""
    tongue = load_lexicon(code)
    unit = next(iter(split_phrases(tongue.tables.units["g"])))
    (parsed,) = parse_ingredients(f"{low}{sign}{low + width} {unit} {NAMES[code]}", tongue)
    assert (parsed.amount, parsed.amount_max, parsed.unit) == (low, low + width, "g")


@given(codes, st.integers(0, 20), st.sampled_from(sorted(FRACTIONS)))
def test_a_fraction_sign_adds_to_the_whole_before_it(code: str, whole: int, sign: str) -> None:
    """`1½` and `1 ½` are one and a half, `½` is a half."""
    tongue = load_lexicon(code)
    for text in (f"{whole or ''}{sign}", f"{whole or ''} {sign}"):
        read = parse_quantity(TokenizedText(text, tongue), 0)
        assert read is not None
        assert read.amount == pytest.approx(whole + FRACTIONS[sign])


@given(st.integers(1, 999))
def test_german_number_words_are_read_back(value: int) -> None:
    """`zweihundertfünfzig Gramm` are 250 g: German writes a number in one word."""
    numbers = load_lexicon("de").numbers
    assert [word for word, number in numbers.items() if number == value] or value == 1


def pieces(code: str) -> list[str]:
    tables = load_lexicon(code).tables
    tables_of_phrases = [tables.foods, tables.stops, tables.taste, tables.vague, tables.heaped, tables.adding]
    tables_of_phrases += [*tables.units.values(), *tables.headings.values(), *tables.labels.values()]
    signs = [
        "1",
        "2-3",
        "½",
        "1/2",
        "1,5",
        "1.000",
        "(",
        ")",
        ",",
        ".",
        ":",
        "-",
        "–",
        "+",
        "/",
        "x",
        "°C",
        "%",
        "#a",
        "@b",
    ]
    return [phrase for phrases in tables_of_phrases for phrase in split_phrases(phrases)] + signs * 20 + ["\n"] * 20


@st.composite
def kitchen_texts(draw: st.DrawFn) -> str:
    """Words and signs of recipes in no sensible order, with anything else between them."""
    part = st.one_of(st.sampled_from(pieces(draw(codes))), st.text(max_size=4))
    return draw(st.sampled_from([" ", "", "\n"])).join(draw(st.lists(part, max_size=25)))


@given(codes, kitchen_texts())
@settings(max_examples=150)
def test_no_text_breaks_the_parsers_of_lines_and_sentences(code: str, text: str) -> None:
    """Nothing an author or a recogniser can write makes a job fail; and no name has words that are not there."""
    tongue = load_lexicon(code)
    line = repair_ocr(normalize_text(text), tongue)
    there = set(words(line))
    for parsed in parse_ingredients(line, tongue) + [
        mention.parsed for mention in find_mentions(TokenizedText(line, tongue), True)
    ]:
        assert set(words(parsed.name)) <= there
        assert parsed.amount is None or parsed.amount >= 0


@given(kitchen_texts(), st.lists(kitchen_texts(), max_size=3), codes)
@settings(max_examples=60)
def test_no_text_breaks_a_recipe_and_nothing_is_invented(caption: str, cues: list[str], language: str) -> None:
    """Every ingredient and step of a recipe is made of words that its source has."""
    transcript = [Segment(start=2.0 * n, end=2.0 * n + 2, text=text) for n, text in enumerate(cues)]
    recipe = parse_recipe(transcript=transcript, caption=caption, language=language)
    there = set(words(normalize_text(caption))) | {word for cue in cues for word in words(normalize_text(cue))}
    for name in [one.name for one in recipe.ingredients] + [step.text for step in recipe.steps]:
        assert set(words(name)) <= there
    assert 0 <= recipe.confidence <= 1
    assert recipe.confidence > 0 or not (recipe.ingredients or recipe.steps)
