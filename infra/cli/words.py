"""Sizes, times and foreign text as people read them."""

from __future__ import annotations

import unicodedata
from datetime import datetime

KEPT = "\n\u200c\u200d"
"""Line ends, and the invisible joiners that some scripts and emoji need."""


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


def day(iso: str) -> str:
    """An ISO 8601 time as local day and time, in short."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M")


def moment(iso: str) -> str:
    """An ISO 8601 time as local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
