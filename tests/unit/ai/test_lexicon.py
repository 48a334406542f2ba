"""Knowing the language, and mending what was misread."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.ai.offline.language.lexicon import LANGUAGES, detect_language, load_lexicon
from shared.ai.offline.language.tables import split_phrases
from shared.ai.offline.recipe.text import normalize_text, repair_ocr


@pytest.mark.parametrize(
    ("text", "hint", "code"),
    [
        ("Add the flour and mix well", None, "en"),
        ("200 g Mehl, 2 Eier und eine Prise Salz", "en", "de"),
        ("200 г муки, 2 яйца", "en", "ru"),
        ("Das ist so lecker!", None, "de"),
        ("400 g pasta", "de", "de"),
        ("400 g pasta", "en", "en"),
        ("12345", "de", None),
        ("", "de", None),
        ("xyzzy plugh", "en", None),
    ],
)
def test_words_tell_the_language(text: str, hint: str | None, code: str | None) -> None:
    """The words of a source decide; the job's language only where they could be either."""
    assert detect_language([text], hint) == code


@pytest.mark.parametrize(
    ("code", "read", "meant"),
    [
        ("en", "25O g flour", "250 g flour"),
        ("en", "1O0 g", "100 g"),
        ("en", "Oregano 5", "Oregano 5"),
        ("de", "MehI", "Mehl"),
        ("de", "1 EL ÖI", "1 EL Öl"),
        ("de", "250 mI Milch", "250 ml Milch"),
        ("de", "1 I Milch", "1 l Milch"),
        ("de", "200gMehl", "200 g Mehl"),
        ("de", "2 EI Öl", "2 EL Öl"),
        ("de", "2 Eier", "2 Eier"),
        ("de", "Ingwer", "Ingwer"),
        ("en", "350 °℉ /175℃", "350 °F /175°C"),
        ("en", "– 2 eggs", "2 eggs"),
        ("ru", "5О г", "50 г"),
    ],
)
def test_only_what_can_mean_nothing_else_is_mended(code: str, read: str, meant: str) -> None:
    """OCR's confusions are put right where that is safe, and nowhere else."""
    assert repair_ocr(normalize_text(read), load_lexicon(code)) == meant


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_tables_do_not_contradict_themselves(code: str) -> None:
    """A form names one unit, and no word both ends a name and gives an instruction."""
    tongue = load_lexicon(code)
    forms = [form for forms in tongue.tables.units.values() for form in split_phrases(forms)]
    assert len(forms) == len(set(forms))
    assert not tongue.verbs & tongue.stops


def test_threads_that_stem_at_once_do_not_mix_their_words() -> None:
    """Two recipes that one process reads at the same time get the stems that each alone would get."""
    roots = [first + root for first in ("", "за", "пере", "недо") for root in ("мешиваем", "картофелин", "посолен")]
    endings = [
        one + other for one in ("", "а", "ый", "ого", "ость", "ниями", "ейший", "ывая") for other in ("", "ся", "ми")
    ]
    words = [root + vowel + ending for root in roots for vowel in "аеиоуыэюя" for ending in endings]
    load_lexicon.cache_clear()
    expected = list(map(load_lexicon("ru").stem, words))
    load_lexicon.cache_clear()
    stem = load_lexicon("ru").stem
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda order: list(map(stem, words[::order])), (1, -1))
    finally:
        sys.setswitchinterval(interval)
    assert first == second[::-1] == expected
