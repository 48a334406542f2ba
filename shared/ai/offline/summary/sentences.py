"""The sentences of a transcript, with their times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.models.video import Segment

PAUSE_SEC = 1.0
"""Between two segments: a new sentence begins, whatever the punctuation."""
MAX_WORDS = 40
"""Words without punctuation, as in captions made by machines, are cut after so many."""
END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")
ENDS = tuple(".!?…。！？")
CLOSING = "\"'»”’)]"


@dataclass(frozen=True)
class Sentence:
    """`start` and `end` are those of the segments it begins and ends in."""

    text: str
    start: float
    end: float


def sentences(transcript: Sequence[Segment]) -> list[Sentence]:
    found: list[Sentence] = []
    open_: list[tuple[str, Segment]] = []

    def close() -> None:
        if open_:
            found.append(Sentence(" ".join(text for text, _ in open_), open_[0][1].start, open_[-1][1].end))
            open_.clear()

    for segment in transcript:
        if open_ and segment.start - open_[-1][1].end > PAUSE_SEC:
            close()
        for piece in filter(None, END.split(" ".join(segment.text.split()))):
            open_.append((piece, segment))
            if piece.rstrip(CLOSING).endswith(ENDS) or sum(len(text.split()) for text, _ in open_) > MAX_WORDS:
                close()
    close()
    return found
