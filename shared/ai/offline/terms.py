"""What of a text counts when texts are compared: the stems of words that mean something, and numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import yaml

from shared.ai.offline.language.lexicon import LANGUAGES, lexicon
from shared.ai.offline.language.tokens import fold
from shared.media.video.pacing import UNSPACED

TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
CYRILLIC = re.compile("[\u0400-\u04ff]")
ONES = frozenset(str(number) for number in range(2, 10))
TENS = frozenset(str(number) for number in range(20, 100, 10))
MAX_WORD = 60
"""Letters of a word that count."""
_WORDS = Path(__file__).with_name("function_words.yaml")
_LONG_SOUNDS = {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"}
_SOUNDS = str.maketrans("абвгдезийклмнопрстуфыэіїєґ", "abvgdeziiklmnoprstufyeiieg", "ъь") | str.maketrans(_LONG_SOUNDS)


def tokens(text: str) -> list[str]:
    """All words and numbers of `text` in one form: no case, no accents, `1,000` and number words as digits."""
    found: list[str] = []
    tens = False
    for token in TOKEN.findall(text):
        number = _number(token)
        spoken = number is not None and not token[0].isdigit()
        if spoken and tens and number in ONES:
            found[-1] = f"{int(found[-1]) + int(number or 0)}"
        else:
            found.append(number or bare(token))
        tens = spoken and number in TENS
    return found


def terms(text: str) -> list[str]:
    """The numbers, and the stems of the words, that tell what `text` is about, in order.

    Words of scripts without spaces are all their pairs of neighbouring letters.
    """
    found: list[str] = []
    for token in tokens(text):
        if UNSPACED.search(token):
            found += [token[at : at + 2] for at in range(len(token) - 1)] or [token]
        elif token not in function_words():
            found.append(term(token))
    return found


@lru_cache(maxsize=65_536)
def term(token: str) -> str:
    """The stem of a token as `tokens` gives it.

    By Snowball's algorithms (M. F. Porter, snowballstem.org): the Russian one for Cyrillic letters, for Latin ones the
    English and then the German one. So a word has one stem whatever language its text is in, which nobody has to know.
    Cyrillic stems are written by their sound in Latin letters, so that names are the same in both scripts.
    """
    if token[0].isdigit():
        return token
    if CYRILLIC.search(token):
        return latin(_stemmer("ru")(token))
    return _stemmer("de")(_stemmer("en")(token))


def is_number(term: str) -> bool:
    return term[0].isdigit()


def bare(word: str) -> str:
    """Without case, accents and marks; й is a letter of its own."""
    folded = unicodedata.normalize("NFKC", fold(word)[:MAX_WORD])
    if CYRILLIC.search(folded):
        return folded
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def latin(word: str) -> str:
    return word.translate(_SOUNDS)


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    lists: dict[str, str] = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    return frozenset(bare(word) for words in lists.values() for word in words.split())


def _number(token: str) -> str | None:
    """Digits of a number or of a number word, decimals after a point; None for another word."""
    if token[0].isdigit():
        whole = re.sub("[.,]", "", token) if THOUSANDS.fullmatch(token) else token.replace(",", ".")
        return unicodedata.normalize("NFKC", whole)
    return number_words().get(fold(token))


@lru_cache(maxsize=1)
def number_words() -> dict[str, str]:
    """Words for whole numbers from two on: `one` is an article more often than a number."""
    return {
        word: f"{value:.0f}"
        for code in LANGUAGES
        for word, value in lexicon(code).numbers.items()
        if value >= 2 and value == int(value)
    }


def _stemmer(code: str) -> Callable[[str], str]:
    return lexicon(code).stem
