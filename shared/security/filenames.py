"""File names that came from outside, made fit to be shown. They never name anything in storage."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 200
_JOINERS = "\u200c\u200d"  # invisible, but Persian and emoji need them


def safe_filename(name: str | None) -> str | None:
    """The last component of `name`, without control characters and bidi overrides, ≤ 200 characters, NFC.

    A cut leaves the extension. None when nothing is left.
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
