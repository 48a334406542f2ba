"""Waiting times that HTTP servers ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared import clock


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("0.25", 0.25),
        ("9" * 5000, 9_999_999_999),
        ("Mon, 30 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("nan", None),
        ("Fri, 01 Jan 2100 00:00:00", None),
    ],
)
def test_every_value_of_retry_after_is_a_time_or_none(
    value: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds and HTTP dates count, times in the past are 0, and what a server got wrong never raises."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert clock.parse_retry_after(value) == seconds
