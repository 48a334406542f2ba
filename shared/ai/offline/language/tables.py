"""What has to be known of a language to read a recipe in it, as it is written down in its YAML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

FOLDER = Path(__file__).parent
Ratio = Annotated[float, BeforeValidator(lambda value: float(Fraction(str(value))))]
"""A number that may be written as a fraction, e.g. `1/3`."""


class LanguageTables(BaseModel):
    """One language. Lists of phrases are strings, separated by commas; lists of verbs are separated by spaces.

    Attributes:
        stemmer: Snowball's name of the language.
        decimal, thousands: Signs inside numbers; no thousands sign but a space when empty.
        numbers: Number words. `articles` mean one, but only before a unit or a food.
        half_prefix: Fused before units, e.g. `пол` in `полкило`.
        joiners: `and`. `range_words`: `2 to 3`. `range_openers`: `from 2`.
        vague: Amounts that are none (`a few`). `taste`: said instead of an amount. Both become notes.
        units: Normalised unit → its forms. `scaled_units`: form → amount and unit of one (a Pfund is 500 g).
        single_units: Forms that mean one of the unit by themselves, in a language without articles.
        heaped: How full a spoon is. `sizes`: how large a thing is. Both become notes.
        purpose: Opens a note: `for frying`.
        minutes: Forms of a unit of time → how many minutes it has. `every`: makes a time no duration.
        verbs: What a cook does; infinitives or stems, from which forms.py makes the forms. `verbs_i`: second class.
        verb_forms: Forms that follow no rule. `verbs_not`: forms that mean something else.
        verb_place: Where in a clause a verb makes it an instruction.
        openers: Words before the first verb (`then`). `adding`: phrases that bring in an ingredient.
        determiners: Articles and the like. `carriers`: words right before something that is added (`with salt`).
        stops: Words at which the name of an ingredient ends inside a sentence. `closing`: those that may end one.
        foods: Ingredients, in any form. `food_first`: adjectives may follow (`перец молотый`).
        capital_nouns: Nouns are written with a capital.
        compound_heads: Foods that end longer words (`Rapsöl`).
        no_ingredient: What a number may count that is not one.
        headings, labels: Role → words that announce it. Labels of times are named as the fields of a recipe.
        group_openers: `For` in `For the sauce`. `step_words`: `Step` in `Step 1`.
        chatter: Marks a line that is no part of the recipe.
        common: Further words by which the language is known.
        repairs: Misread words → what stands there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    stemmer: str
    decimal: str
    thousands: str
    numbers: Mapping[str, Ratio]
    articles: str
    half_prefix: str = ""
    joiners: str
    range_words: str
    range_openers: str
    approximately: str
    vague: str
    units: Mapping[str, str]
    scaled_units: Mapping[str, tuple[float, str]] = {}
    single_units: str = ""
    of: str
    heaped: str
    sizes: str
    taste: str
    purpose: str
    minutes: Mapping[str, Ratio]
    every: str
    degrees: str
    verbs: str
    verbs_i: str = ""
    verb_forms: str = ""
    verbs_not: str = ""
    verb_place: Literal["first", "ends", "any"]
    openers: str
    adding: str
    determiners: str
    carriers: str
    stops: str
    closing: str
    step_words: str
    foods: str
    food_first: bool = False
    capital_nouns: bool = False
    compound_heads: str = ""
    no_ingredient: str
    headings: Mapping[str, str]
    labels: Mapping[str, str]
    difficulties: Mapping[str, str]
    nutrients: Mapping[str, str]
    group_openers: str
    serving_words: str
    chatter: str
    common: str
    repairs: Mapping[str, str] = {}


def read_tables(code: str) -> LanguageTables:
    text = (FOLDER / f"{code}.yaml").read_text(encoding="utf-8")
    return LanguageTables.model_validate(yaml.load(text, yaml.CSafeLoader))


def split_phrases(phrases: str) -> Iterable[str]:
    return (phrase.strip() for phrase in phrases.split(",") if phrase.strip())


RUSSIAN_A = ("ть", "ем", "ю", "й", "йте")
RUSSIAN_I = ("ить", "им", "ите", "ь", "ьте")
GERMAN_ONES = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
GERMAN_TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
GERMAN_TEENS = ["zehn", "elf", "zwölf", "dreizehn", "vierzehn"]
GERMAN_TEENS += ["fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]


def english_verb_forms(verb: str) -> set[str]:
    """`mix`, `mixing`; `bake`, `baking`; `chop`, `chopping`."""
    if verb.endswith("e"):
        return {verb, verb[:-1] + "ing"}
    return {verb, verb + "ing", verb + verb[-1] + "ing"}


def german_verb_forms(verb: str) -> set[str]:
    """`mischen`, `mische`, `mischt`; `schneiden`, `schneide`, `schneidet`."""
    stem = verb.removesuffix("n").removesuffix("e")
    return {verb, stem + "e", stem + "t", stem + "et"}


def russian_verb_forms(stem: str) -> set[str]:
    """From `смешива`: `смешивать`, `смешиваем`, `смешивайте`."""
    return {stem + ending for ending in RUSSIAN_A}


def russian_i_verb_forms(stem: str) -> set[str]:
    """From `вар`: `варить`, `варим`, `варите`."""
    return {stem + ending for ending in RUSSIAN_I}


def german_numbers() -> dict[str, float]:
    """Numbers to 999, and halves between whole ones, as German writes them: in one word. `ein` is an article."""
    small = {word: float(number) for number, word in enumerate(GERMAN_ONES, 1)}
    small |= {word: float(number) for number, word in enumerate(GERMAN_TEENS, 10)}
    for tens, word in enumerate(GERMAN_TENS, 2):
        small[word] = 10.0 * tens
        small |= {f"{unit}und{word}": 10.0 * tens + number for number, unit in enumerate(GERMAN_ONES, 1)}
    numbers = {**small, "hundert": 100.0, "tausend": 1000.0}
    for hundreds, word in enumerate(GERMAN_ONES, 1):
        numbers[f"{word}hundert"] = 100.0 * hundreds
        numbers[f"{word}einhalb"] = hundreds + 0.5
        numbers |= {f"{word}hundert{remainder}": 100 * hundreds + value for remainder, value in small.items()}
    del numbers["ein"]
    return numbers
