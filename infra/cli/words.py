"""Numbers, times and foreign text as people read them."""

from __future__ import annotations

import unicodedata
from datetime import datetime

FRACTIONS = {0.25: "¼", 0.33: "⅓", 0.5: "½", 0.67: "⅔", 0.75: "¾"}
KEPT = "\n\u200c\u200d"
"""Line ends, and the invisible joiners that some scripts and emoji need."""
METRIC = ("g", "kg", "mg", "ml", "cl", "dl", "l")


def clean(text: str) -> str:
    """Without the characters that command a terminal or turn text around: titles are written by strangers."""
    return "".join(sign for sign in text if sign in KEPT or unicodedata.category(sign)[0] != "C")


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def clock(seconds: float) -> str:
    """`1:05`, or `1:02:03` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def minutes(number: float) -> str:
    """`45 min`, or `1 h 30 min` from an hour on."""
    hours, rest = divmod(number, 60)
    parts = [f"{hours:g} h" if hours else "", f"{rest:g} min" if rest or not hours else ""]
    return " ".join(filter(None, parts))


def day(iso: str) -> str:
    """An ISO 8601 time as local day and time, in short."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M")


def moment(iso: str) -> str:
    """An ISO 8601 time as local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def amount(number: float, unit: str | None = None) -> str:
    """`1½`, but `1.5` where the unit is metric."""
    whole, part = divmod(number, 1)
    sign = FRACTIONS.get(round(part, 2))
    if sign is None or unit in METRIC:
        return f"{number:g}"
    return f"{whole:.0f}{sign}" if whole else sign


def quantity(number: float | None, upper: float | None, unit: str | None) -> str:
    """`2–3 tbsp`; empty when nothing is known. Pieces have no unit to be read."""
    numbers = "–".join(amount(value, unit) for value in (number, upper) if value is not None)
    return " ".join(filter(None, (numbers, unit if unit != "piece" else None)))
