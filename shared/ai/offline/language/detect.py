"""In which language a text is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from shared.ai.offline.language.lexicon import LANGUAGES, load_lexicon
from shared.ai.offline.language.tokens import words
from shared.languages import is_cyrillic

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
