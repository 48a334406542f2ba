"""The sentences of a transcript, with their times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.models.video import Segment

PAUSE_SEC = 1.0
"""Between two segments: a new sentence begins, whatever the punctuation."""
MAX_SENTENCE_WORDS = 40
"""Words without punctuation, as in captions made by machines, are cut after so many."""
SENTENCE_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")
SENTENCE_SIGNS = tuple(".!?…。！？")
CLOSING_MARKS = "\"'»”’)]"


@dataclass(frozen=True)
class Sentence:
    """`start` and `end` are those of the segments it begins and ends in."""

    text: str
    start: float
    end: float


def split_sentences(transcript: Sequence[Segment]) -> list[Sentence]:
    complete: list[Sentence] = []
    pending: list[tuple[str, Segment]] = []

    def close() -> None:
        if pending:
            complete.append(Sentence(" ".join(text for text, _ in pending), pending[0][1].start, pending[-1][1].end))
            pending.clear()

    for segment in transcript:
        if pending and segment.start - pending[-1][1].end > PAUSE_SEC:
            close()
        for piece in filter(None, SENTENCE_BREAK.split(" ".join(segment.text.split()))):
            pending.append((piece, segment))
            if (
                piece.rstrip(CLOSING_MARKS).endswith(SENTENCE_SIGNS)
                or sum(len(text.split()) for text, _ in pending) > MAX_SENTENCE_WORDS
            ):
                close()
    close()
    return complete
