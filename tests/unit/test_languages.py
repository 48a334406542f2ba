"""Language tags."""

from __future__ import annotations

import pytest

from shared.languages import is_same_language, language_tag, primary_language


@pytest.mark.parametrize(
    ("tag", "expected", "code"),
    [
        ("de", "de", "de"),
        ("deu", "de", "de"),
        ("ger", "de", "de"),
        ("por_BR", "pt-BR", "pt"),
        ("zh-Hant-TW", "zh-Hant-TW", "zh"),
        ("EN-gb", "en-gb", "en"),
        ("haw", "haw", "haw"),
        ("und", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_tags_of_files_become_ours(tag: str | None, expected: str | None, code: str | None) -> None:
    """However a file names a language, it is the one that a user asks for."""
    assert (language_tag(tag), primary_language(tag)) == (expected, code)


def test_what_is_unknown_is_not_the_same() -> None:
    """Two videos of which nobody knows the language are not taken to be in one."""
    assert is_same_language("pt-BR", "por")
    assert not is_same_language("de", "nl")
    assert not is_same_language(None, None)
    assert not is_same_language("und", "und")
