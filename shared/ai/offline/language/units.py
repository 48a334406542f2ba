"""Recognize forms of a unit that its table does not list: inflected, diminutive or abbreviated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shared.ai.offline.language.tables import PhraseTable, TextToken, fold, split_phrases

MIN_STEM_FORM = 5
"""Letters that a form needs for its stem to identify a unit; shorter stems are those of other words too."""
DIMINUTIVES = ("chen", "lein")
VOWELS = "aeiouäöüаеиоуыэюя"
UMLAUTS = str.maketrans("äöü", "aou")


class UnitForms:
    """Units by the forms that a rule derives from the listed ones.

    Attributes:
        has_capitals: Units are nouns with a capital, as in German; other words are no forms of one.
        inflects: Units are declined, as in Russian.
    """

    def __init__(
        self, units: Mapping[str, str], stem: Callable[[str], str], *, has_capitals: bool, inflects: bool
    ) -> None:
        self.stem = stem
        self.has_capitals = has_capitals
        self.inflects = inflects
        forms = {form: name for name, phrases in units.items() for form in split_phrases(phrases)}
        self.words = {fold(form): name for form, name in forms.items() if form.isalpha() and len(form) > 2}
        long = {form: name for form, name in forms.items() if all(len(part) >= MIN_STEM_FORM for part in form.split())}
        self.stems = PhraseTable(long, key=stem)

    def match(self, tokens: Sequence[TextToken], start: int) -> tuple[int, str] | None:
        """Match a declined or diminutive unit at token `start`; return the index after it, and the unit."""
        token = tokens[start] if start < len(tokens) else None
        if token is None or token.kind != "word" or (self.has_capitals and not token.text[0].isupper()):
            return None
        if self.has_capitals and (name := self.diminutive(token.folded)):
            return start + 1, name
        return self.stems.match(tokens, start) if self.inflects else None

    def diminutive(self, word: str) -> str | None:
        """Return the unit whose diminutive a German word is: of `Fläschchen` the `Flasche`."""
        ending = next((ending for ending in DIMINUTIVES if word.endswith(ending)), None)
        if ending is None:
            return None
        base = word.removesuffix(ending)
        names = {
            name
            for form, name in self.words.items()
            if form in (base, base + "e", base.translate(UMLAUTS), base.translate(UMLAUTS) + "e")
        }
        return names.pop() if len(names) == 1 else None

    def abbreviation(self, token: TextToken) -> str | None:
        """Return the unit that a word with a dot after it abbreviates; None if there is none, or more than one.

        It is the start of one (`Bech.`), or has its first and last consonant and others between them (`Ds.`).
        """
        short = token.folded
        if len(short) < 2 or (self.has_capitals and not token.text[0].isupper()):
            return None
        names = {name for form, name in self.words.items() if form.startswith(short)}
        names = names or {name for form, name in self.words.items() if is_contraction(short, form)}
        return names.pop() if len(names) == 1 else None


def is_contraction(short: str, word: str) -> bool:
    """Return True if `short` has only consonants of `word`, among them the first and the last: `ctn`, `carton`."""
    consonants = [letter for letter in word if letter not in VOWELS]
    rest = iter(consonants)
    has_ends = bool(consonants) and short[0] == word[0] and short[-1] == consonants[-1]
    return has_ends and len(short) < len(word) and all(letter in rest for letter in short)
