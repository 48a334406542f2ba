"""What a source gives: a local file and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.models.transcript import Transcript
from shared.models.video import Origin


@dataclass(frozen=True)
class FetchedFile:
    """A file that was fetched and checked.

    Attributes:
        size: Bytes.
        content_type: By looking at the bytes.
        final_url: Where it was after redirects. May carry a signature: not for showing.
        filename: For display only; None when the source names none.
        title: As its author wrote it; None where the source knows none.
        author: The name of the account that posted it.
        caption: The text posted with it.
        captions: What is said in it, as its page has it; None when it has none.
    """

    path: Path
    size: int
    content_type: str
    final_url: str
    filename: str | None
    title: str | None = None
    author: str | None = None
    caption: str | None = None
    origin: Origin | None = None
    captions: Transcript | None = None
