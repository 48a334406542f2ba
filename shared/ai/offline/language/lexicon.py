"""The questions that are asked of a language's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice

from shared.ai.offline.language.tables import (
    LanguageTables,
    english_verb_forms,
    german_numbers,
    german_verb_forms,
    read_tables,
    russian_i_verb_forms,
    russian_verb_forms,
    split_phrases,
)
from shared.ai.offline.language.tokens import PhraseTable, TextToken, fold, tokenize, words
from shared.languages import is_cyrillic

LANGUAGES = ("en", "de", "ru")
VERB_FORMS = {"en": english_verb_forms, "de": german_verb_forms, "ru": russian_verb_forms}
MAX_FOOD_WORDS = 4
MIN_COMPOUND_HEAD = 3
"""Letters that a compound needs before its last part: `Rapsöl` is an oil."""


def fold_phrases(phrases: str) -> frozenset[str]:
    return frozenset(fold(word) for word in split_phrases(phrases))


def phrase_set(phrases: str) -> PhraseTable[bool]:
    return PhraseTable(dict.fromkeys(split_phrases(phrases), True))


def phrase_roles(table: Mapping[str, str]) -> PhraseTable[str]:
    return PhraseTable({phrase: role for role, phrases in table.items() for phrase in split_phrases(phrases)})


class Lexicon:
    """A language. Words are looked up folded; phrases by their tokens."""

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
        self.sizes = fold_phrases(tables.sizes)
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
        self.taste = phrase_set(tables.taste)
        self.minutes = PhraseTable(
            {form: value for forms, value in tables.minutes.items() for form in split_phrases(forms)}
        )
        self.adding = phrase_set(tables.adding)
        self.headings = phrase_roles(tables.headings)
        self.labels = phrase_roles(tables.labels)
        self.difficulties = phrase_roles(tables.difficulties)
        self.nutrients = phrase_roles(tables.nutrients)
        self.chatter = phrase_set(tables.chatter)

    @cached_property
    def verbs(self) -> frozenset[str]:
        """Forms of verbs as instructions have them."""
        tables = self.tables
        forms = {form for verb in tables.verbs.split() for form in VERB_FORMS[self.code](verb)}
        forms |= {form for stem in tables.verbs_i.split() for form in russian_i_verb_forms(stem)}
        return frozenset(map(fold, forms | set(tables.verb_forms.split()))) - fold_phrases(tables.verbs_not)

    @cached_property
    def stem(self) -> Callable[[str], str]:
        """The stem of a folded word, by the Snowball algorithm (M. F. Porter, snowballstem.org)."""
        import snowballstemmer

        stemmer = snowballstemmer.stemmer(self.tables.stemmer)
        return lru_cache(maxsize=4096)(lambda word: str(stemmer.stemWord(word)))

    @cached_property
    def foods(self) -> PhraseTable[bool]:
        return PhraseTable(dict.fromkeys(split_phrases(self.tables.foods), True), key=self.stem)

    @cached_property
    def compound_heads(self) -> tuple[str, ...]:
        return tuple(split_phrases(self.tables.compound_heads))

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
        vocabulary = {token.folded for forms in phrases for token in tokenize(forms) if token.kind == "word"}
        return frozenset(vocabulary) | self.numbers.keys() | self.verbs

    def has_word(self, word: str) -> bool:
        return word in self.vocabulary or self.stem(word) in self.foods.by_first

    def food_end(self, tokens: Sequence[TextToken], start: int) -> int | None:
        """The index after the known food that starts at token `start`."""
        if start >= len(tokens) or tokens[start].kind != "word" or tokens[start].folded in self.verbs:
            return None
        if hit := self.foods.match(tokens, start):
            return hit[0]
        word = tokens[start].folded
        compound = any(
            word.endswith(head) and len(word) >= len(head) + MIN_COMPOUND_HEAD for head in self.compound_heads
        )
        return start + 1 if compound else None

    def has_food(self, tokens: Sequence[TextToken]) -> bool:
        """Whether a known food stands somewhere in `tokens`."""
        return any(self.food_end(tokens, at) for at in range(len(tokens)))

    def is_food(self, text: str) -> bool:
        """Whether all of `text` is one known food, perhaps with a few words before it."""
        tokens = tokenize(text)
        if not 0 < len(tokens) <= MAX_FOOD_WORDS or any(token.folded in self.stops for token in tokens):
            return False
        if self.tables.food_first and self.food_end(tokens, 0):
            return True
        return any(self.food_end(tokens, at) == len(tokens) for at in range(len(tokens)))


@lru_cache
def load_lexicon(code: str) -> Lexicon:
    """The lexicon of one of LANGUAGES."""
    return Lexicon(read_tables(code))


MAX_WORDS = 500
MIN_KNOWN_SHARE = 0.25
"""Share of words that must be known: `minutes` alone makes no French text English."""


def detect_language(texts: Iterable[str], hint: str | None) -> str | None:
    """The language out of LANGUAGES that most words belong to; `hint` decides a tie; None when nothing tells.

    Cyrillic script is taken for Russian: it is the one language in that script with a lexicon.
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
