"""The questions that are asked of a language's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache

from shared.ai.offline.language.forms import (
    english_verb,
    german_numbers,
    german_verb,
    russian_i_verb,
    russian_verb,
)
from shared.ai.offline.language.phrases import Phrases
from shared.ai.offline.language.tables import Tables, listed, read_tables
from shared.ai.offline.language.tokens import Token, fold, tokenize

LANGUAGES = ("en", "de", "ru")
VERB_FORMS = {"en": english_verb, "de": german_verb, "ru": russian_verb}
MAX_FOOD_WORDS = 4
MIN_COMPOUND_HEAD = 3
"""Letters that a compound needs before its last part: `Rapsöl` is an oil."""


def words_of(phrases: str) -> frozenset[str]:
    return frozenset(fold(word) for word in listed(phrases))


def marks(phrases: str) -> Phrases[bool]:
    return Phrases(dict.fromkeys(listed(phrases), True))


def roles(table: Mapping[str, str]) -> Phrases[str]:
    return Phrases({phrase: role for role, phrases in table.items() for phrase in listed(phrases)})


class Lexicon:
    """A language. Words are looked up folded; phrases by their tokens."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.code = tables.code
        self.name = tables.name
        self.numbers = {fold(word): value for word, value in tables.numbers.items()}
        if tables.code == "de":
            self.numbers |= german_numbers()
        self.articles = words_of(tables.articles)
        self.of = words_of(tables.of)
        self.joiners = words_of(tables.joiners)
        self.range_words = words_of(tables.range_words)
        self.range_openers = words_of(tables.range_openers)
        self.sizes = words_of(tables.sizes)
        self.purpose = words_of(tables.purpose)
        self.every = words_of(tables.every)
        self.degrees = words_of(tables.degrees)
        self.openers = words_of(tables.openers)
        self.determiners = words_of(tables.determiners)
        self.carriers = words_of(tables.carriers)
        self.stops = words_of(tables.stops) | self.determiners
        self.hanging = self.stops - words_of(tables.closing)
        self.no_ingredient = words_of(tables.no_ingredient)
        self.group_openers = words_of(tables.group_openers)
        self.step_words = words_of(tables.step_words)
        self.serving_words = words_of(tables.serving_words)
        self.units = roles(tables.units)
        self.scaled_units = Phrases(tables.scaled_units)
        self.single_units = marks(tables.single_units)
        self.approximately = marks(tables.approximately)
        self.vague = marks(tables.vague)
        self.heaped = marks(tables.heaped)
        self.taste = marks(tables.taste)
        self.minutes = Phrases({form: value for forms, value in tables.minutes.items() for form in listed(forms)})
        self.adding = marks(tables.adding)
        self.headings = roles(tables.headings)
        self.labels = roles(tables.labels)
        self.difficulties = roles(tables.difficulties)
        self.nutrients = roles(tables.nutrients)
        self.chatter = marks(tables.chatter)

    @cached_property
    def verbs(self) -> frozenset[str]:
        """Forms of verbs as instructions have them."""
        tables = self.tables
        forms = {form for verb in tables.verbs.split() for form in VERB_FORMS[self.code](verb)}
        forms |= {form for stem in tables.verbs_i.split() for form in russian_i_verb(stem)}
        return frozenset(map(fold, forms | set(tables.verb_forms.split()))) - words_of(tables.verbs_not)

    @cached_property
    def stem(self) -> Callable[[str], str]:
        """The stem of a folded word, by the Snowball algorithm (M. F. Porter, snowballstem.org)."""
        import snowballstemmer

        stemmer = snowballstemmer.stemmer(self.tables.stemmer)
        return lru_cache(maxsize=4096)(lambda word: str(stemmer.stemWord(word)))

    @cached_property
    def foods(self) -> Phrases[bool]:
        return Phrases(dict.fromkeys(listed(self.tables.foods), True), key=self.stem)

    @cached_property
    def compound_heads(self) -> tuple[str, ...]:
        return tuple(listed(self.tables.compound_heads))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Words by which a text is known to be in this language."""
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
        known = {token.folded for forms in phrases for token in tokenize(forms) if token.kind == "word"}
        return frozenset(known) | self.numbers.keys() | self.verbs

    def knows(self, word: str) -> bool:
        return word in self.vocabulary or self.stem(word) in self.foods.by_first

    def food_at(self, tokens: Sequence[Token], start: int) -> int | None:
        """The index after the known food that starts at token `start`."""
        if start >= len(tokens) or tokens[start].kind != "word" or tokens[start].folded in self.verbs:
            return None
        if hit := self.foods.at(tokens, start):
            return hit[0]
        word = tokens[start].folded
        compound = any(
            word.endswith(head) and len(word) >= len(head) + MIN_COMPOUND_HEAD for head in self.compound_heads
        )
        return start + 1 if compound else None

    def names_food(self, tokens: Sequence[Token]) -> bool:
        """Whether a known food stands somewhere in `tokens`."""
        return any(self.food_at(tokens, at) for at in range(len(tokens)))

    def is_food(self, text: str) -> bool:
        """Whether all of `text` is one known food, perhaps with a few words before it."""
        tokens = tokenize(text)
        if not 0 < len(tokens) <= MAX_FOOD_WORDS or any(token.folded in self.stops for token in tokens):
            return False
        if self.tables.food_first and self.food_at(tokens, 0):
            return True
        return any(self.food_at(tokens, at) == len(tokens) for at in range(len(tokens)))


@lru_cache
def lexicon(code: str) -> Lexicon:
    """The lexicon of one of LANGUAGES."""
    return Lexicon(read_tables(code))
