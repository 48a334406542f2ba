"""Times and foreign text as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import views as words


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3723, "1:02:03")])
def test_times_in_a_video(seconds: float, text: str) -> None:
    """A time in a video is shown as players show it."""
    assert words.format_clock(seconds) == text


@given(st.text())
def test_foreign_text_cannot_command_the_terminal(text: str) -> None:
    """Nothing that a stranger wrote clears the screen, changes colours or turns text around; words stay."""
    shown = words.clean_text(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in shown.replace("\n", ""))
    assert "\u202e" not in shown
    assert [sign for sign in shown if sign.isalnum()] == [sign for sign in text if sign.isalnum()]
