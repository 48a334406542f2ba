"""Numbers and foreign text as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import words


@pytest.mark.parametrize(
    ("number", "upper", "unit", "text"),
    [
        (400, None, "g", "400 g"),
        (1.5, None, "kg", "1.5 kg"),
        (1.5, None, "tsp", "1½ tsp"),
        (0.25, None, "cup", "¼ cup"),
        (1 / 3, None, "cup", "⅓ cup"),
        (2, 3, "tbsp", "2–3 tbsp"),
        (2, None, "piece", "2"),
        (None, None, "pinch", "pinch"),
        (None, None, None, ""),
        (0.1, None, "oz", "0.1 oz"),
    ],
)
def test_quantities(number: float | None, upper: float | None, unit: str | None, text: str) -> None:
    """Amounts are read as in a cookbook: fractions for spoons and cups, decimals for grams and litres."""
    assert words.quantity(number, upper, unit) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3723, "1:02:03")])
def test_times_in_a_video(seconds: float, text: str) -> None:
    """A time in a video is shown as players show it."""
    assert words.clock(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(40, "40 min"), (60, "1 h"), (90, "1 h 30 min"), (0, "0 min")])
def test_cooking_times(number: float, text: str) -> None:
    """A cooking time is shown in hours and minutes."""
    assert words.minutes(number) == text


@given(st.text())
def test_foreign_text_cannot_command_the_terminal(text: str) -> None:
    """Nothing that a stranger wrote clears the screen, changes colours or turns text around; words stay."""
    shown = words.clean(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in shown.replace("\n", ""))
    assert "\u202e" not in shown
    assert [sign for sign in shown if sign.isalnum()] == [sign for sign in text if sign.isalnum()]
