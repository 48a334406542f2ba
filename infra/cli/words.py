"""Formatting of sizes, times and untrusted text for the terminal."""

from __future__ import annotations

import unicodedata
from datetime import datetime

ALLOWED_CONTROLS = "\n\u200c\u200d"
"""Line breaks, and the invisible joiners that some scripts and emoji need."""


def clean_text(text: str) -> str:
    """Remove control and bidirectional characters: titles come from strangers."""
    return "".join(
        character for character in text if character in ALLOWED_CONTROLS or unicodedata.category(character)[0] != "C"
    )


def format_megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def format_clock(seconds: float) -> str:
    """Format seconds as `1:05`, or `1:02:03` from one hour on."""
    minutes, remainder = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remainder:02}" if hours else f"{minutes}:{remainder:02}"


def format_short_time(iso: str) -> str:
    """Format an ISO 8601 time as short local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M")


def format_time(iso: str) -> str:
    """Format an ISO 8601 time as local date and time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
