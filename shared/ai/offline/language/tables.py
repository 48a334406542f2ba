"""The tables of a language, as its YAML file holds them."""

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
        long_forms: Abbreviations in notes → the word.
        plus_word, minus, alternatives: Link two measures: `1 cup plus 2 tbsp`, `1 cup or 250 ml`.
        extra: After plus, what is no measure: `+ extra for dusting`. `per_piece`: opens the size of one: `à 150 g`.
        distributive: Gives several ingredients one amount: `1 tsp each salt and pepper`.
        purpose: Opens a note: `for frying`. `note_openers`: phrases that do, such as `cut into`.
        parts, sources: `juice` and `from` in `juice from 2 limes`.
        preparation, grade: Patterns of words before or after a name that become notes: `freshly ground`, `Gr. M`.
        minutes: Forms of a unit of time → its minutes. `every`: a time after it is no duration.
        verbs: Kitchen verbs; infinitives or stems, from which `VERB_FORMS` derives the forms. `verbs_i`: second class.
        verb_forms: Forms that follow no rule. `verbs_not`: forms that mean something else.
        verb_place: Position of a verb that makes a clause an instruction.
        openers: Words before the first verb (`then`). `adding`: phrases that introduce an ingredient.
        determiners: Articles and similar words. `carriers`: words right before an added ingredient (`with salt`).
        stops: Words at which the name of an ingredient ends inside a sentence. `closing`: those that may end one.
        foods: Ingredients, in any form. `food_first`: adjectives may follow (`перец молотый`).
        capital_nouns: Nouns are written with a capital.
        food_tails: Words that belong to a food before them: `cocoa powder`.
        weighed_foods: Ends of foods of which recipes take less than 10 g.
        compound_heads: Foods that end longer words (`Rapsöl`).
        no_ingredient: Countable nouns that are not ingredients.
        headings, labels: Role → words that introduce it. Labels of times have the names of recipe fields.
        yields: Words that introduce how much the recipe makes.
        macros: Words before protein, fat and carbohydrates as three numbers, with energy four → how many.
        nutrient_letters: Letters that stand for nutrients where all of them do. `other_nutrients`: of no field.
        per: `per` in `per serving`.
        group_openers: `For` in `For the sauce`. `step_words`: `Step` in `Step 1`.
        chatter: Marks a line that is no part of the recipe.
        common: Further words that identify the language.
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
    weighed_foods: str = ""
    food_tails: str = ""
    compound_heads: str = ""
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
    repairs: Mapping[str, str] = {}


def read_tables(code: str) -> LanguageTables:
    text = (FOLDER / f"{code}.yaml").read_text(encoding="utf-8")
    return LanguageTables.model_validate(yaml.load(text, yaml.CSafeLoader))


def split_phrases(phrases: str) -> Iterable[str]:
    return (phrase.strip() for phrase in phrases.split(",") if phrase.strip())
