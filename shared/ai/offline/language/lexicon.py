"""The lexicon of a language: the tables in its YAML file, the word forms derived by rule, and lookups in both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.ai.offline.language.tokens import PhraseTable, TextToken, fold, tokenize, words
from shared.languages import is_cyrillic

LANGUAGES = ("en", "de", "ru")
FOLDER = Path(__file__).parent
MAX_FOOD_WORDS = 4
MIN_COMPOUND_HEAD = 3
"""Letters that a compound needs before its last part, as in `Rapsöl`, an oil."""
MAX_WORDS = 500
MIN_KNOWN_SHARE = 0.25
"""Least share of known words: `minutes` alone does not make a French text English."""
Ratio = Annotated[float, BeforeValidator(lambda value: float(Fraction(str(value))))]
"""A number that may be written as a fraction, e.g. `1/3`."""


def detect_language(texts: Iterable[str], hint: str | None) -> str | None:
    """Return the language of `LANGUAGES` that has most of the words; `hint` decides a tie; None if undecided.

    Cyrillic script counts as Russian, the only language in that script with a lexicon.
    """
    sample = list(islice((word for text in texts for word in words(text) if len(word) > 1), MAX_WORDS))
    if sample and is_cyrillic("".join(sample)):
        return "ru"
    scores = dict.fromkeys(LANGUAGES, 0.0)
    for word in sample:
        for code in LANGUAGES:
            scores[code] += load_lexicon(code).has_word(word)
        if set(word) & set("äöüß"):
            scores["de"] += 1
    best = max(scores.values())
    leaders = [code for code, score in scores.items() if score == best]
    if best < MIN_KNOWN_SHARE * len(sample) or not best:
        return None
    if len(leaders) == 1:
        return leaders[0]
    return hint if hint in leaders else None


@lru_cache
def load_lexicon(code: str) -> Lexicon:
    """Return the lexicon of one of `LANGUAGES`."""
    return Lexicon(read_tables(code))


class Lexicon:
    """Lookups in the tables of one language: words by their folded form, phrases by their tokens."""

    def __init__(self, tables: LanguageTables) -> None:
        self.tables = tables
        self.code = tables.code
        self.name = tables.name
        self.numbers = {fold(word): value for word, value in tables.numbers.items()}
        if tables.code == "de":
            self.numbers |= german_numbers()
        self.articles = fold_phrases(tables.articles)
        self.of = fold_phrases(tables.of)
        self.joiners = fold_phrases(tables.joiners)
        self.range_words = fold_phrases(tables.range_words)
        self.range_openers = fold_phrases(tables.range_openers)
        self.plus = fold_phrases(tables.plus_word)
        self.minus = fold_phrases(tables.minus)
        self.alternatives = fold_phrases(tables.alternatives)
        self.per_piece = fold_phrases(tables.per_piece)
        self.sources = fold_phrases(tables.sources) | self.of
        self.purpose = fold_phrases(tables.purpose)
        self.every = fold_phrases(tables.every)
        self.degrees = fold_phrases(tables.degrees)
        self.openers = fold_phrases(tables.openers)
        self.determiners = fold_phrases(tables.determiners)
        self.carriers = fold_phrases(tables.carriers)
        self.stops = fold_phrases(tables.stops) | self.determiners
        self.hanging = self.stops - fold_phrases(tables.closing)
        self.no_ingredient = fold_phrases(tables.no_ingredient)
        self.group_openers = fold_phrases(tables.group_openers)
        self.step_words = fold_phrases(tables.step_words)
        self.serving_words = fold_phrases(tables.serving_words)
        self.units = phrase_roles(tables.units)
        self.scaled_units = PhraseTable(tables.scaled_units)
        self.single_units = phrase_set(tables.single_units)
        self.approximately = phrase_set(tables.approximately)
        self.vague = phrase_set(tables.vague)
        self.heaped = phrase_set(tables.heaped)
        self.sizes = phrase_set(tables.sizes)
        self.extra = phrase_set(tables.extra)
        self.parts = phrase_set(tables.parts)
        self.yields = phrase_set(tables.yields)
        self.long_forms = PhraseTable(tables.long_forms)
        self.taste = phrase_set(tables.taste)
        self.minutes = PhraseTable(
            {form: value for forms, value in tables.minutes.items() for form in split_phrases(forms)}
        )
        self.adding = phrase_set(tables.adding)
        self.headings = phrase_roles(tables.headings)
        self.labels = phrase_roles(tables.labels)
        self.difficulties = phrase_roles(tables.difficulties)
        self.nutrients = phrase_roles(tables.nutrients)
        self.other_nutrients = phrase_set(tables.other_nutrients)
        self.macros = PhraseTable(tables.macros)
        self.per = fold_phrases(tables.per)
        self.chatter = phrase_set(tables.chatter)

    @cached_property
    def verbs(self) -> frozenset[str]:
        """Verb forms that instructions use."""
        tables = self.tables
        forms = {form for verb in tables.verbs.split() for form in VERB_FORMS[self.code](verb)}
        forms |= {form for stem in tables.verbs_i.split() for form in russian_i_verb_forms(stem)}
        return frozenset(map(fold, forms | set(tables.verb_forms.split()))) - fold_phrases(tables.verbs_not)

    @cached_property
    def stem(self) -> Callable[[str], str]:
        """The function that stems a folded word, by the Snowball algorithm (M. F. Porter, snowballstem.org)."""
        import snowballstemmer

        stemmer = snowballstemmer.stemmer(self.tables.stemmer)
        return lru_cache(maxsize=4096)(lambda word: str(stemmer.stemWord(word)))

    @cached_property
    def foods(self) -> PhraseTable[bool]:
        return PhraseTable(dict.fromkeys(split_phrases(self.tables.foods), True), key=self.stem)

    @cached_property
    def counted_foods(self) -> PhraseTable[bool]:
        """Foods that are counted rather than weighed."""
        return PhraseTable(dict.fromkeys(split_phrases(self.tables.counted_foods), True), key=self.stem)

    @cached_property
    def preparation(self) -> re.Pattern[str]:
        """Matches words before a name that state how it is prepared."""
        return re.compile(rf"{self.tables.preparation}\s+(?=\S)", re.IGNORECASE)

    @cached_property
    def grade(self) -> re.Pattern[str]:
        """Matches the class of eggs and the like at the end of a name."""
        return re.compile(rf"(?<=\s){self.tables.grade}\.?$", re.IGNORECASE)

    @cached_property
    def compound_heads(self) -> tuple[str, ...]:
        return tuple(split_phrases(self.tables.compound_heads))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Words that identify a text in this language."""
        tables = self.tables
        phrases = [
            tables.common,
            tables.of,
            tables.joiners,
            tables.stops,
            tables.articles,
            tables.chatter,
            tables.adding,
        ]
        for table in (tables.units, tables.headings, tables.labels):
            phrases += table.values()
        phrases += tables.minutes
        vocabulary = {token.folded for forms in phrases for token in tokenize(forms) if token.kind == "word"}
        return frozenset(vocabulary) | self.numbers.keys() | self.verbs

    def has_word(self, word: str) -> bool:
        return word in self.vocabulary or self.stem(word) in self.foods.by_first

    def food_end(self, tokens: Sequence[TextToken], start: int) -> int | None:
        """Return the index after the known food that starts at token `start`."""
        if start >= len(tokens) or tokens[start].kind != "word":
            return None
        hit = self.foods.match(tokens, start)
        if tokens[start].folded in self.verbs:
            return hit[0] if hit and hit[0] > start + 1 else None
        if hit:
            return hit[0]
        word = tokens[start].folded
        compound = any(
            word.endswith(head) and len(word) >= len(head) + MIN_COMPOUND_HEAD for head in self.compound_heads
        )
        return start + 1 if compound else None

    def has_food(self, tokens: Sequence[TextToken]) -> bool:
        """Return True if `tokens` contain a known food."""
        return any(self.food_end(tokens, at) for at in range(len(tokens)))

    def is_food(self, text: str) -> bool:
        """Return True if all of `text` is one known food, perhaps with a few words before it."""
        tokens = tokenize(text)
        if not 0 < len(tokens) <= MAX_FOOD_WORDS or any(token.folded in self.stops for token in tokens):
            return False
        if self.tables.food_first and self.food_end(tokens, 0):
            return True
        return any(self.food_end(tokens, at) == len(tokens) for at in range(len(tokens)))


def fold_phrases(phrases: str) -> frozenset[str]:
    return frozenset(fold(word) for word in split_phrases(phrases))


def split_phrases(phrases: str) -> Iterable[str]:
    return (phrase.strip() for phrase in phrases.split(",") if phrase.strip())


def phrase_set(phrases: str) -> PhraseTable[bool]:
    return PhraseTable(dict.fromkeys(split_phrases(phrases), True))


def phrase_roles(table: Mapping[str, str]) -> PhraseTable[str]:
    return PhraseTable({phrase: role for role, phrases in table.items() for phrase in split_phrases(phrases)})


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
        purpose: Opens a note: `for frying`.
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
        counted_foods: Foods that are counted, not weighed. `compound_heads`: foods that end longer words (`Rapsöl`).
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
    taste: str
    purpose: str
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
    counted_foods: str
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


RUSSIAN_A = ("ть", "ем", "ю", "й", "йте")
RUSSIAN_I = ("ить", "им", "ите", "ь", "ьте")
GERMAN_ONES = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
GERMAN_TENS = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
GERMAN_TEENS = ["zehn", "elf", "zwölf", "dreizehn", "vierzehn"]
GERMAN_TEENS += ["fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"]


def english_verb_forms(verb: str) -> set[str]:
    """Return `mix`, `mixing`; `bake`, `baking`; `chop`, `chopping`."""
    if verb.endswith("e"):
        return {verb, verb[:-1] + "ing"}
    return {verb, verb + "ing", verb + verb[-1] + "ing"}


def german_verb_forms(verb: str) -> set[str]:
    """Return `mischen`, `mische`, `mischt`; `schneiden`, `schneide`, `schneidet`."""
    stem = verb.removesuffix("n").removesuffix("e")
    return {verb, stem + "e", stem + "t", stem + "et"}


def russian_verb_forms(stem: str) -> set[str]:
    """Return forms of a stem: of `смешива` `смешивать`, `смешиваем`, `смешивайте`."""
    return {stem + ending for ending in RUSSIAN_A}


def russian_i_verb_forms(stem: str) -> set[str]:
    """Return forms of a second-class stem: of `вар` `варить`, `варим`, `варите`."""
    return {stem + ending for ending in RUSSIAN_I}


def german_numbers() -> dict[str, float]:
    """Return German number words to 999, and halves up to 9½, which are one word; `ein` counts as an article."""
    small = {word: float(number) for number, word in enumerate(GERMAN_ONES, 1)}
    small |= {word: float(number) for number, word in enumerate(GERMAN_TEENS, 10)}
    for tens, word in enumerate(GERMAN_TENS, 2):
        small[word] = 10.0 * tens
        small |= {f"{unit}und{word}": 10.0 * tens + number for number, unit in enumerate(GERMAN_ONES, 1)}
    numbers = {**small, "hundert": 100.0, "tausend": 1000.0, "eintausend": 1000.0}
    numbers |= {f"hundert{remainder}": 100 + value for remainder, value in small.items()}
    for hundreds, word in enumerate(GERMAN_ONES, 1):
        numbers[f"{word}hundert"] = 100.0 * hundreds
        numbers[f"{word}tausend"] = 1000.0 * hundreds
        numbers[f"{word}einhalb"] = hundreds + 0.5
        numbers |= {f"{word}hundert{remainder}": 100 * hundreds + value for remainder, value in small.items()}
    del numbers["ein"]
    return numbers


VERB_FORMS = {"en": english_verb_forms, "de": german_verb_forms, "ru": russian_verb_forms}
