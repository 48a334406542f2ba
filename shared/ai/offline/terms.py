"""The terms by which texts are compared: numbers, and the stems of words that are not function words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from shared.ai.offline.language.lexicon import LANGUAGES, load_lexicon
from shared.ai.offline.language.tables import fold
from shared.media.video.pacing import UNSPACED
from shared.tables import read_table

TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
CYRILLIC = re.compile("[\u0400-\u04ff]")
ONES = frozenset(str(number) for number in range(2, 10))
TENS = frozenset(str(number) for number in range(20, 100, 10))
MAX_WORD = 60
"""Letters of a word that count; further letters are cut off."""
_WORDS = Path(__file__).with_name("function_words.yaml")
_LONG_SOUNDS = {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"}
_SOUNDS = str.maketrans("абвгдезийклмнопрстуфыэіїєґ", "abvgdeziiklmnoprstufyeiieg", "ъь") | str.maketrans(_LONG_SOUNDS)


def tokens(text: str) -> list[str]:
    """Return all words and numbers, normalized: no case, no accents, `1,000` and number words as digits."""
    normalized: list[str] = []
    tens = False
    for token in TOKEN.findall(text):
        number = _parse_number(token)
        spoken = number is not None and not token[0].isdigit()
        if spoken and tens and number in ONES:
            normalized[-1] = f"{int(normalized[-1]) + int(number or 0)}"
        else:
            normalized.append(number or normalize_word(token))
        tens = spoken and number in TENS
    return normalized


def terms(text: str) -> list[str]:
    """Return the numbers and word stems of a text, in order, without function words.

    Words of scripts without spaces become all their pairs of neighbouring letters.
    """
    stems: list[str] = []
    for token in tokens(text):
        if UNSPACED.search(token):
            stems += [token[at : at + 2] for at in range(len(token) - 1)] or [token]
        elif token not in function_words():
            stems.append(stem_token(token))
    return stems


@lru_cache(maxsize=65_536)
def stem_token(token: str) -> str:
    """Return the stem of a token from `tokens`.

    Uses Snowball's algorithms (M. F. Porter, snowballstem.org): Russian for Cyrillic letters; English, then German for
    Latin letters. So a word has one stem regardless of the language of its text. Cyrillic stems are transliterated to
    Latin letters, so that names are equal in both scripts.
    """
    if token[0].isdigit():
        return token
    if CYRILLIC.search(token):
        return transliterate(_stemmer("ru")(token))
    return _stemmer("de")(_stemmer("en")(token))


def is_number(term: str) -> bool:
    return term[0].isdigit()


def normalize_word(word: str) -> str:
    """Return a word without case, accents and marks; keeps й as a letter of its own."""
    folded = unicodedata.normalize("NFKC", fold(word)[:MAX_WORD])
    if CYRILLIC.search(folded):
        return folded
    letters = unicodedata.normalize("NFKD", folded)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def transliterate(word: str) -> str:
    return word.translate(_SOUNDS)


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    lists: dict[str, str] = read_table(_WORDS)
    return frozenset(normalize_word(word) for words in lists.values() for word in words.split())


def _parse_number(token: str) -> str | None:
    """Return the digits of a number or number word, with a decimal point; None for any other word."""
    if token[0].isdigit():
        digits = re.sub("[.,]", "", token) if THOUSANDS.fullmatch(token) else token.replace(",", ".")
        return unicodedata.normalize("NFKC", digits)
    return number_words().get(fold(token))


@lru_cache(maxsize=1)
def number_words() -> dict[str, str]:
    """Return words for whole numbers from 2 on: `one` is more often an article than a number."""
    return {
        word: f"{value:.0f}"
        for code in LANGUAGES
        for word, value in load_lexicon(code).numbers.items()
        if value >= 2 and value == int(value)
    }


def _stemmer(code: str) -> Callable[[str], str]:
    return load_lexicon(code).stem
