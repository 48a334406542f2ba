"""The tables of a language, as its YAML file holds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.tables import read_table

FOLDER = Path(__file__).parent
Ratio = Annotated[float, BeforeValidator(lambda value: float(Fraction(str(value))))]
"""A number that may be written as a fraction, e.g. `1/3`."""


class LanguageTables(BaseModel):
    """The YAML file of one language. Phrases are separated by commas, verbs by spaces.

    Attributes:
        stemmer: Snowball's name of the language.
        decimal, thousands: Signs inside numbers; empty `thousands` allows only a space.
        numbers: Number words. `articles`: mean 1, but only before a unit or a food.
        half_prefix: Prefix of units that halves them, e.g. `пол` in `полкило`.
        joiners: `and`. `range_words`: `2 to 3`. `range_openers`: `from 2`.
        vague: Amounts without a number (`a few`). `taste`: replaces an amount (`to taste`). Both become notes.
        units: Normalised unit → its forms. `scaled_units`: form → amount and unit of one (a Pfund is 500 g).
        single_units: Forms that mean one of the unit without a number, in a language without articles.
        letter_units: Letter → unit, by case: `T` is a tablespoon.
        heaped: How full a spoon is. `sizes`: how large an ingredient is. Both become notes.
        dimensions: Follow a length: the `thick` of `½-inch-thick`.
        long_forms: Abbreviations in notes → the word.
        plus_word, minus, alternatives: Link two measures: `1 cup plus 2 tbsp`, `1 cup or 250 ml`.
        extra: After plus, what is no measure: `+ extra for dusting`. `per_piece`: opens the size of one: `à 150 g`.
        distributive: Gives several ingredients one amount: `1 tsp each salt and pepper`.
        purpose: Opens a note: `for frying`. `note_openers`: phrases that do, such as `cut into`.
        parts, sources: `juice` and `from` in `juice from 2 limes`.
        infinitive: `to`, which opens a note before a verb: `milk to moisten`. `participle`, `gerund`: endings.
        postposed: Pattern of words after a food that become a note: `garlic minced`.
        preparation, grade: Patterns of words before or after a name that become notes: `freshly ground`, `Gr. M`.
        minutes: Forms of a unit of time → its minutes. `every`: a time after it is no duration.
        verbs: Kitchen verbs; infinitives or stems, from which `VERB_FORMS` derives the forms. `verbs_i`: second class.
        verb_forms: Forms that follow no rule. `verbs_not`: forms that mean something else.
        verb_place: Position of a verb that makes a clause an instruction.
        openers: Words before the first verb (`then`). `adding`: phrases that introduce an ingredient.
        determiners: Articles and similar words. `carriers`: words right before an added ingredient (`with salt`).
        stops: Words at which the name of an ingredient ends inside a sentence. `closing`: those that may end one.
        foods: Ingredients, in any form. `food_first`: adjectives may follow (`перец молотый`).
        capital_nouns: Nouns are written with a capital. `inflected_units`: those of units are declined.
        inverts_numbers: An approximate number comes after its unit: `зубчика три`.
        food_tails: Words that belong to a food before them: `cocoa powder`.
        weighed_foods: Ends of foods of which recipes take less than 10 g.
        compound_heads: Foods that end longer words (`Rapsöl`).
        utensils: Things in lists that are no food.
        no_ingredient: Countable nouns that are not ingredients.
        headings, labels: Role → words that introduce it. Labels of times have the names of recipe fields.
        yields: Words that introduce how much the recipe makes.
        macros: Words before protein, fat and carbohydrates as three numbers, with energy four → how many.
        nutrient_letters: Letters that stand for nutrients where all of them do. `other_nutrients`: of no field.
        per: `per` in `per serving`.
        group_openers: `For` in `For the sauce`. `step_words`: `Step` in `Step 1`.
        chatter: Marks a line that is no part of the recipe.
        common: Further words that identify the language.
        misheard_numbers, misheard_foods, misheard_units, misheard_of: What speech recognition writes → what was said.
        countable: Foods that are counted, so that `for eggs` are four. `fillers`: words without a meaning.
        sequence: Words that start a step in speech. `generic_foods`: several ingredients together.
        listing: Phrases that introduce a list of ingredients in speech.
        dishes: Nouns that name a dish after a food, even where they are verbs too: `lentil stew`.
        title_openers, title_ends, praise: Words before, after and in front of the name of a dish that a speaker names.
        shorthand: Abbreviations of foods → the words. `uninflected`: adjectives without an ending.
        repairs: Misread words → the correct word.
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
    letter_units: Mapping[str, str] = {}
    of: str
    heaped: str
    sizes: str
    dimensions: str = ""
    long_forms: Mapping[str, str] = {}
    plus_word: str
    minus: str
    alternatives: str
    extra: str
    per_piece: str
    distributive: str
    taste: str
    purpose: str
    note_openers: str
    parts: str
    sources: str
    preparation: str
    grade: str
    postposed: str = "(?!)"
    infinitive: str = ""
    participle: str = ""
    gerund: str = ""
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
    inflected_units: bool = False
    inverts_numbers: bool = False
    weighed_foods: str = ""
    food_tails: str = ""
    compound_heads: str = ""
    utensils: str = ""
    no_ingredient: str
    headings: Mapping[str, str]
    labels: Mapping[str, str]
    difficulties: Mapping[str, str]
    nutrients: Mapping[str, str]
    nutrient_letters: Mapping[str, str]
    other_nutrients: str
    yields: str
    macros: Mapping[str, int] = {}
    per: str
    group_openers: str
    serving_words: str
    chatter: str
    common: str
    misheard_numbers: Mapping[str, str] = {}
    misheard_of: str = ""
    misheard_foods: Mapping[str, str] = {}
    misheard_units: Mapping[str, str] = {}
    countable: str = ""
    fillers: str
    sequence: str
    title_openers: str
    title_ends: str
    praise: str
    dishes: str = ""
    listing: str
    generic_foods: str
    shorthand: Mapping[str, str] = {}
    uninflected: str = ""
    repairs: Mapping[str, str] = {}


def read_tables(code: str) -> LanguageTables:
    return LanguageTables.model_validate(read_table(FOLDER / f"{code}.yaml"))


def split_phrases(phrases: str) -> Iterable[str]:
    return (phrase.strip() for phrase in phrases.split(",") if phrase.strip())


FRACTIONS = {
    "½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅖": 2 / 5, "⅗": 3 / 5, "⅘": 4 / 5,
    "⅙": 1 / 6, "⅚": 5 / 6, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8,
}  # fmt: skip
TOKEN = re.compile(
    rf"""
    (?P<fraction> [{"".join(FRACTIONS)}] | (?<![\d/]) [0-9]{{1,2}} [/⁄] [0-9]{{1,2}} (?: (?:rd|th)s? \b )? (?![\d/]) )
  | (?P<number>   [0-9]+ (?: [.,] [0-9]+ )* | (?<![\w.,]) \. [0-9]+ )
  | (?P<word>     [^\W\d_]+ (?: [-'’] [^\W\d_]+ )* )
  | (?P<sign>     \S )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class TextToken:
    """A piece of a text. `folded` is the form for lookups in tables: no case, ё as е."""

    text: str
    folded: str
    kind: Literal["fraction", "number", "word", "sign"]
    start: int
    end: int


def fold(text: str) -> str:
    return text.casefold().replace("ё", "е").replace("’", "'")


def tokenize(text: str) -> list[TextToken]:
    return [
        TextToken(match[0], fold(match[0]), match.lastgroup, match.start(), match.end())  # type: ignore[arg-type]
        for match in TOKEN.finditer(text)
    ]


def words(text: str) -> list[str]:
    """Return the folded words of `text`, without numbers and signs."""
    return [token.folded for token in tokenize(text) if token.kind == "word"]


Value = TypeVar("Value")


class PhraseTable(Generic[Value]):
    """Phrases with a value each; the longest match wins.

    Dots between words are ignored: `ст. л.` matches `ст л`.
    """

    def __init__(self, table: Mapping[str, Value], key: Callable[[str], str] = str) -> None:
        """Args: key: maps folded words to the form that is compared, e.g. their stem."""
        self.key = key
        self.by_first: dict[str, list[tuple[list[str], Value]]] = {}
        for phrase, value in table.items():
            parts = [key(token.folded) for token in tokenize(phrase) if token.text != "."]
            self.by_first.setdefault(parts[0], []).append((parts, value))
        for entries in self.by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def match(self, tokens: Sequence[TextToken], start: int) -> tuple[int, Value] | None:
        """Match the phrase that starts at token `start`; return the index after it, and its value."""
        if start >= len(tokens):
            return None
        for parts, value in self.by_first.get(self.key(tokens[start].folded), ()):
            end = self.match_end(parts, tokens, start)
            if end is not None:
                return end, value
        return None

    def match_end(self, parts: Sequence[str], tokens: Sequence[TextToken], start: int) -> int | None:
        """Return the index after `parts` if they start at token `start`."""
        at = start
        for number, part in enumerate(parts):
            while number and at < len(tokens) and tokens[at].text == ".":
                at += 1
            if at >= len(tokens) or self.key(tokens[at].folded) != part:
                return None
            at += 1
        return at

    def find(self, tokens: Sequence[TextToken], start: int = 0) -> tuple[int, int, Value] | None:
        """Find the first phrase at or after token `start`; return its index, the index after it, and its value."""
        for at in range(start, len(tokens)):
            if hit := self.match(tokens, at):
                return at, *hit
        return None
