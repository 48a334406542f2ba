"""The lines of passages: sentences of a transcript with their times, whatever pieces they were recognized in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from shared.models.chat import PassageLine
from shared.models.video import Segment, Word

MAX_LINE_SEC = 15.0
"""A line ends before it exceeds this, if its parts have timestamps."""
MAX_LINE_CHARACTERS = 2_000
PAUSE_SEC = 1.0
"""A longer pause ends a line, whatever the punctuation."""
MAX_SENTENCE_WORDS = 40
"""Text with longer sentences on average, as in automatic captions, is not punctuated."""
SENTENCE_ENDS = tuple(".!?…。！？")
ELLIPSES = ("...", "…")
CLOSING_MARKS = "\"'»”’)]"
SENTENCE_BREAK = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")


def split_lines(segments: Sequence[Segment]) -> list[PassageLine]:
    """Return all text in lines: one for each sentence of punctuated text, else one for each segment.

    Speech models and subtitles break segments in the middle of sentences. Words keep their times; without times of
    words, a line has those of the segments that it begins and ends in.
    """
    if is_punctuated(segments):
        return list(join_pieces(chain.from_iterable(map(sentence_pieces, segments))))
    return list(chain.from_iterable(map(split_segment, segments)))


def is_punctuated(segments: Sequence[Segment]) -> bool:
    words = [word for segment in segments for word in segment.text.split()]
    return sum(map(ends_sentence, words)) * MAX_SENTENCE_WORDS >= len(words) > 0


def ends_sentence(text: str) -> bool:
    return text.rstrip(CLOSING_MARKS).endswith(SENTENCE_ENDS)


def is_sentence_break(before: str, after: str) -> bool:
    """Return True if a sentence ends between two words. Speech models write small letters after full stops, too."""
    hesitates = before.rstrip(CLOSING_MARKS).endswith(ELLIPSES) and after[:1].islower()
    return ends_sentence(before) and not hesitates


def sentence_pieces(segment: Segment) -> Iterator[Word]:
    """Yield the words of a segment, or without their times its sentences and parts of sentences."""
    words = [word for word in segment.words if word.text.strip()]
    if words:
        yield from words
        return
    text = " ".join(segment.text.split())
    sentences = SENTENCE_BREAK.split(text) if segment.end - segment.start <= MAX_LINE_SEC else [text]
    for sentence in filter(None, sentences):
        yield from (Word(**line.model_dump()) for line in split_text(segment.start, segment.end, sentence))


def join_pieces(pieces: Iterator[Word]) -> Iterator[PassageLine]:
    """Yield lines that end with a sentence, before a pause, or at their maximum length."""
    run: list[Word] = []
    characters = 0
    for piece in pieces:
        characters += len(piece.text) + 1
        if run and (
            is_sentence_break(run[-1].text.strip(), piece.text.strip())
            or piece.start - run[-1].end > PAUSE_SEC
            or piece.end - run[0].start > MAX_LINE_SEC
            or characters > MAX_LINE_CHARACTERS
        ):
            yield join_words(run)
            run, characters = [], len(piece.text)
        run.append(piece)
    if run:
        yield join_words(run)


def split_segment(segment: Segment) -> Iterator[PassageLine]:
    """Yield the segment as lines with known times: a long segment is split at its words if they have timestamps."""
    words = [word for word in segment.words if word.text.strip()]
    if segment.end - segment.start <= MAX_LINE_SEC or len(words) < 2:
        yield from split_text(segment.start, segment.end, segment.text)
    else:
        yield from join_pieces(iter(words))


def join_words(run: Sequence[Word]) -> PassageLine:
    """Return a line of the words; words with leading spaces are joined without a separator."""
    separator = "" if any(word.text[0].isspace() for word in run[1:]) else " "
    return PassageLine(
        start=run[0].start, end=run[-1].end, text=" ".join(separator.join(word.text for word in run).split())
    )


def split_text(start: float, end: float, text: str) -> Iterator[PassageLine]:
    """Yield one line, or several with the same times if the text is too long for a window."""
    remaining = " ".join(text.split())
    while len(remaining) > MAX_LINE_CHARACTERS:
        at = remaining.rfind(" ", 0, MAX_LINE_CHARACTERS)
        piece, remaining = (
            (remaining[:at], remaining[at:])
            if at > 0
            else (remaining[:MAX_LINE_CHARACTERS], remaining[MAX_LINE_CHARACTERS:])
        )
        remaining = remaining.lstrip()
        yield PassageLine(start=start, end=end, text=piece)
    if remaining:
        yield PassageLine(start=start, end=end, text=remaining)
