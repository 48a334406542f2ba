"""Formatting of sizes, times and untrusted text for the terminal."""

from __future__ import annotations

import unicodedata
from datetime import datetime

KEPT = "\n\u200c\u200d"
"""Line breaks, and the invisible joiners that some scripts and emoji need."""


def clean(text: str) -> str:
    """Remove control and bidirectional characters: titles come from strangers."""
    return "".join(sign for sign in text if sign in KEPT or unicodedata.category(sign)[0] != "C")


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def clock(seconds: float) -> str:
    """Format seconds as `1:05`, or `1:02:03` from one hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def day(iso: str) -> str:
    """Format an ISO 8601 time as short local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M")


def moment(iso: str) -> str:
    """Format an ISO 8601 time as local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
