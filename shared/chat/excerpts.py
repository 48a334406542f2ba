"""Passages put together: those that overlap are one, and no words come twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.chat.windows import text_of
from shared.models.chat import Citation, Passage, PassageLine

MAX_EXCERPT_SEC = 90.0
"""Of what is put together: a citation is to lead to a place, not into a film."""


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one video's transcript, in order of time."""

    video_id: str
    lines: Sequence[PassageLine]

    @property
    def start(self) -> float:
        return self.lines[0].start

    @property
    def end(self) -> float:
        return max(line.end for line in self.lines)

    @property
    def text(self) -> str:
        return text_of(self.lines)

    def citation(self, number: int, title: str | None) -> Citation:
        return Citation(
            number=number, video_id=self.video_id, title=title, start=self.start, end=self.end, quote=self.text
        )


def merge_passages(passages: Iterable[Passage]) -> list[Excerpt]:
    """In the order of the passages: each is added to an excerpt that it overlaps, and else is one of its own.

    Where an excerpt would get longer than LONGEST_SEC, only what no other one has makes a new one.
    """
    merged: list[Excerpt] = []
    for passage in passages:
        overlapping = [
            at
            for at, excerpt in enumerate(merged)
            if excerpt.video_id == passage.video_id and overlaps(excerpt, passage)
        ]
        target = next((at for at in overlapping if joined_length(merged[at], passage) <= MAX_EXCERPT_SEC), None)
        existing_lines = [line for at in overlapping if at != target for line in merged[at].lines]
        new = [line for line in passage.lines if line not in existing_lines]
        if target is not None:
            more = [line for line in new if line not in merged[target].lines]
            lines = sorted([*merged[target].lines, *more], key=lambda line: (line.start, line.end))
            merged[target] = Excerpt(passage.video_id, lines)
        elif new:
            merged.append(Excerpt(passage.video_id, new))
    return merged


def overlaps(excerpt: Excerpt, passage: Passage) -> bool:
    return excerpt.start < passage.end and passage.start < excerpt.end


def joined_length(excerpt: Excerpt, passage: Passage) -> float:
    return max(excerpt.end, passage.end) - min(excerpt.start, passage.start)
