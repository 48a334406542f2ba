"""Language tags."""

from __future__ import annotations

import pytest

from shared.languages import language_tag, primary, same_language


@pytest.mark.parametrize(
    ("tag", "told", "code"),
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
def test_tags_of_files_become_ours(tag: str | None, told: str | None, code: str | None) -> None:
    """However a file names a language, it is the one that a user asks for."""
    assert (language_tag(tag), primary(tag)) == (told, code)


def test_what_is_unknown_is_not_the_same() -> None:
    """Two videos of which nobody knows the language are not taken to be in one."""
    assert same_language("pt-BR", "por")
    assert not same_language("de", "nl")
    assert not same_language(None, None)
    assert not same_language("und", "und")
