"""Passages quoted where no AI answers: of each one the sentences that come nearest to the question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.ai.offline.embedding import embed
from shared.ai.offline.terms import terms
from shared.ai.vectors import DIMENSIONS
from shared.chat.excerpts import Excerpt
from shared.chat.history import clock_time
from shared.chat.windows import ends_sentence
from shared.models.chat import Citation, Line

MOST = 3
"""Passages that are quoted."""
MAX_CHARACTERS = 240


def quotes(question: str, excerpts: Sequence[Excerpt]) -> list[Excerpt]:
    return [Excerpt(one.video_id, nearest_lines(question, one.lines)) for one in excerpts[:MOST]]


def nearest_lines(question: str, lines: Sequence[Line]) -> Sequence[Line]:
    """The line nearest to the question with the rest of its sentence, and what follows while there is room."""
    wanted, asked = set(terms(question)), embed(question, DIMENSIONS)

    def nearness(at: int) -> tuple[int, float]:
        near = sum(one * other for one, other in zip(asked, embed(lines[at].text, DIMENSIONS), strict=True))
        return len(wanted & set(terms(lines[at].text))), near

    first = max(range(len(lines)), key=nearness)
    while first and not ends_sentence(lines[first - 1].text) and room(lines[first - 1 : first + 1]):
        first -= 1
    after = first + 1
    while after < len(lines) and room(lines[first : after + 1]):
        after += 1
    return lines[first:after]


def room(lines: Sequence[Line]) -> bool:
    return sum(len(line.text) + 1 for line in lines) <= MAX_CHARACTERS


def quoted(opening: str, citations: Sequence[Citation]) -> Iterator[str]:
    """The answer in pieces, with the marker of each quote."""
    yield opening
    for one in citations:
        title = f"{one.title}, " if one.title else ""
        yield f"\n\n{title}{clock_time(one.start)}: “{one.quote}” [{one.number}]"
