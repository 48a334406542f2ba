"""Sanitizes file names from outside for display. They never name anything in storage."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 200
_JOINERS = "\u200c\u200d"  # invisible, but Persian and emoji need them


def safe_filename(name: str | None) -> str | None:
    """Return the last component of `name` in NFC, without control characters and bidi overrides.

    A name over 200 characters is cut before its extension. Returns None if nothing is left.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    cleaned = "".join(
        character for character in last if character in _JOINERS or unicodedata.category(character)[0] != "C"
    )
    cleaned = " ".join(unicodedata.normalize("NFC", cleaned).split())
    if len(cleaned) > MAX_LENGTH:
        stem, dot, extension = cleaned.rpartition(".")
        stem_length = MAX_LENGTH - len(dot + extension)
        cleaned = (
            f"{stem[:stem_length].rstrip()}{dot}{extension}"
            if stem and stem_length > 0
            else cleaned[:MAX_LENGTH].rstrip()
        )
    return cleaned if cleaned.strip(". ") else None
