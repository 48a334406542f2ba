"""File names from outside are only ever shown, and cannot lie about what they are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.filenames import safe_filename

CASES = {
    "video.mp4": "video.mp4",
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\system.ini": "system.ini",
    "C:\\Users\\me\\clip.mov": "clip.mov",
    "/absolute/clip.mp4": "clip.mp4",
    "folder/": None,
    "..": None,
    ".": None,
    "...": None,
    "": None,
    "   ": None,
    "\x00\x1b[31m\r\n": "[31m",
    "a\x00b\r\n.mp4": "ab.mp4",
    "photo\u202egpj.exe": "photogpj.exe",
    "\u2066x\u2069.mp4": "x.mp4",
    "\ufeffa\u200b.mp4": "a.mp4",
    "a\u2028b.mp4": "a b.mp4",
    "  a   b .mp4 ": "a b .mp4",
    "Cafe\u0301.mp4": "Caf\u00e9.mp4",
    "рецепт борща.mp4": "рецепт борща.mp4",
    "👩‍🍳 cooks.mp4": "👩‍🍳 cooks.mp4",
    "x\ud800y.mp4": "xy.mp4",
    "a" * 300 + ".mp4": "a" * 196 + ".mp4",
    "a" * 300: "a" * 200,
    "a." + "b" * 300: "a." + "b" * 198,
}


@pytest.mark.parametrize("name", CASES)
def test_names_are_made_fit_to_show(name: str) -> None:
    """Paths, control characters and direction tricks go, letters of every script stay."""
    assert safe_filename(name) == CASES[name]


def test_no_name_stays_no_name() -> None:
    """An upload without a name has none."""
    assert safe_filename(None) is None


@given(st.one_of(st.text(st.characters()), st.text(st.characters(), min_size=190, max_size=300)))
def test_any_name_becomes_safe(name: str) -> None:
    """Whatever comes in, what goes out is short, one path component, in normal form, and stays as it is."""
    safe = safe_filename(name)
    if safe is None:
        return
    assert 0 < len(safe) <= 200
    assert safe not in (".", "..")
    assert not set(safe) & set("/\\")
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in safe)
    assert unicodedata.is_normalized("NFC", safe)
    assert safe_filename(safe) == safe
