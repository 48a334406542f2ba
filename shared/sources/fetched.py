"""What a source gives: a local file and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched and checked.

    Attributes:
        size: Bytes.
        content_type: By looking at the bytes.
        final_url: Where it was after redirects.
        filename: For display only; None when the source names none.
        title: As its author wrote it; None where the source knows none.
    """

    path: Path
    size: int
    content_type: str
    final_url: str
    filename: str | None
    title: str | None = None
