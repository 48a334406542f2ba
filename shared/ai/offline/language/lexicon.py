"""The lexicon of a language: lookups in the tables of its YAML file, and word forms derived by rule."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice

from shared.ai.offline.language.tables import (
    LanguageTables,
    PhraseTable,
    TextToken,
    fold,
    read_tables,
    split_phrases,
    tokenize,
    words,
)
from shared.ai.offline.language.units import UnitForms
from shared.languages import is_cyrillic

LANGUAGES = ("en", "de", "ru")
MAX_FOOD_WORDS = 4
MIN_COMPOUND_HEAD = 3
"""Letters that a compound needs before its last part, as in `Rapsöl`, an oil."""
MAX_WORDS = 500
MIN_KNOWN_SHARE = 0.25
"""Least share of known words: `minutes` alone does not make a French text English."""


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
        self.distributive = fold_phrases(tables.distributive)
        self.per_piece = fold_phrases(tables.per_piece)
        self.sources = fold_phrases(tables.sources) | self.of
        self.purpose = fold_phrases(tables.purpose)
        self.infinitive = fold_phrases(tables.infinitive)
        self.every = fold_phrases(tables.every)
        self.degrees = fold_phrases(tables.degrees)
        self.openers = fold_phrases(tables.openers)
        self.determiners = fold_phrases(tables.determiners)
        self.carriers = fold_phrases(tables.carriers)
        self.stops = fold_phrases(tables.stops) | self.determiners
        self.hanging = self.stops - fold_phrases(tables.closing)
        self.utensils = phrase_set(tables.utensils)
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
        self.misheard_of = fold_phrases(tables.misheard_of)
        self.countable = fold_phrases(tables.countable)
        self.fillers = fold_phrases(tables.fillers)
        self.sequence = fold_phrases(tables.sequence)
        self.title_openers = phrase_set(tables.title_openers)
        self.title_ends = fold_phrases(tables.title_ends)
        self.listing = phrase_set(tables.listing)
        self.dishes = fold_phrases(tables.dishes)
        self.praise = fold_phrases(tables.praise)
        self.uninflected = fold_phrases(tables.uninflected)
        self.dimensions = fold_phrases(tables.dimensions)
        self.note_openers = phrase_set(tables.note_openers)
        self.extra = phrase_set(tables.extra)
        self.parts = phrase_set(tables.parts)
        self.weighed_foods = tuple(split_phrases(tables.weighed_foods))
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

        stemmer, lock = snowballstemmer.stemmer(self.tables.stemmer), threading.Lock()

        @lru_cache(maxsize=4096)
        def stem_word(word: str) -> str:
            # The stemmer keeps the word that it works on.
            with lock:
                return str(stemmer.stemWord(word))

        return stem_word

    @cached_property
    def unit_forms(self) -> UnitForms:
        tables = self.tables
        return UnitForms(tables.units, self.stem, has_capitals=tables.capital_nouns, inflects=tables.inflected_units)

    @cached_property
    def foods(self) -> PhraseTable[bool]:
        return PhraseTable(dict.fromkeys(split_phrases(self.tables.foods), True), key=self.stem_food)

    def stem_food(self, word: str) -> str:
        """Return the stem of a word, but not of a participle: `seeded` and `salted` are no foods."""
        ending = self.tables.participle
        return word if ending and word.endswith(ending) else self.stem(word)

    def is_weighed(self, tokens: Sequence[TextToken], start: int) -> bool:
        """Return True if the food at a place is taken by the gram, even less than 10 of them: spices, powders."""
        return any(token.folded.endswith(self.weighed_foods) for token in tokens[start : start + MAX_FOOD_WORDS])

    @cached_property
    def generic_foods(self) -> frozenset[str]:
        return frozenset(self.stem(fold(word)) for word in split_phrases(self.tables.generic_foods))

    @cached_property
    def food_tails(self) -> frozenset[str]:
        return frozenset(self.stem(fold(word)) for word in split_phrases(self.tables.food_tails))

    @cached_property
    def preparation(self) -> re.Pattern[str]:
        """Matches words before a name that state how it is prepared."""
        return re.compile(rf"{self.tables.preparation}\s+(?=\S)", re.IGNORECASE)

    @cached_property
    def postposed(self) -> re.Pattern[str]:
        """Matches words after a name that state how it is prepared."""
        return re.compile(rf"{self.tables.postposed}$", re.IGNORECASE)

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
            end = hit[0]
            while end < len(tokens) and self.stem(tokens[end].folded) in self.food_tails:
                end += 1
            return end
        word = tokens[start].folded
        head, _, last = word.rpartition("-")
        if head and self.foods.match(tokenize(last), 0):
            return start + 1
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
        last = len(tokens)
        while self.tables.capital_nouns and last > 1 and tokens[last - 1].text.islower():
            last -= 1
        return any(self.food_end(tokens, at) in (last, len(tokens)) for at in range(len(tokens)))


def fold_phrases(phrases: str) -> frozenset[str]:
    return frozenset(fold(word) for word in split_phrases(phrases))


def phrase_set(phrases: str) -> PhraseTable[bool]:
    return PhraseTable(dict.fromkeys(split_phrases(phrases), True))


def phrase_roles(table: Mapping[str, str]) -> PhraseTable[str]:
    return PhraseTable({phrase: role for role, phrases in table.items() for phrase in split_phrases(phrases)})


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
