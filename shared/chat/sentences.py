"""The lines of passages: sentences of a transcript with their times, whatever pieces they were recognized in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from shared.models.chat import PassageLine
from shared.models.video import Segment

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


def sentence_pieces(segment: Segment) -> Iterator[PassageLine]:
    """Yield the words of a segment, or without their times its sentences and parts of sentences."""
    words = [word for word in segment.words if word.text.strip()]
    if words:
        for word in words:
            yield PassageLine(start=word.start, end=word.end, text=word.text, speaker=segment.speaker)
        return
    text = " ".join(segment.text.split())
    sentences = SENTENCE_BREAK.split(text) if segment.end - segment.start <= MAX_LINE_SEC else [text]
    for sentence in filter(None, sentences):
        yield from split_text(segment, sentence)


def join_pieces(pieces: Iterable[PassageLine]) -> Iterator[PassageLine]:
    """Yield lines that end with a sentence, before a pause or another speaker, or at their maximum length."""
    run: list[PassageLine] = []
    characters = 0
    for piece in pieces:
        characters += len(piece.text) + 1
        if run and (
            is_sentence_break(run[-1].text.strip(), piece.text.strip())
            or piece.speaker != run[-1].speaker
            or piece.start - run[-1].end > PAUSE_SEC
            or piece.end - run[0].start > MAX_LINE_SEC
            or characters > MAX_LINE_CHARACTERS
        ):
            yield join_run(run)
            run, characters = [], len(piece.text)
        run.append(piece)
    if run:
        yield join_run(run)


def split_segment(segment: Segment) -> Iterator[PassageLine]:
    """Yield the segment as lines with known times: a long segment is split at its words if they have timestamps."""
    words = [word for word in segment.words if word.text.strip()]
    if segment.end - segment.start <= MAX_LINE_SEC or len(words) < 2:
        yield from split_text(segment, segment.text)
    else:
        yield from join_pieces(sentence_pieces(segment))


def join_run(run: Sequence[PassageLine]) -> PassageLine:
    """Return a line of the pieces; words with leading spaces are joined without a separator."""
    separator = "" if any(piece.text[0].isspace() for piece in run[1:]) else " "
    text = " ".join(separator.join(piece.text for piece in run).split())
    return PassageLine(start=run[0].start, end=run[-1].end, text=text, speaker=run[0].speaker)


def split_text(segment: Segment, text: str) -> Iterator[PassageLine]:
    """Yield one line with the times of the segment, or several if the text is too long for a window."""
    remaining = " ".join(text.split())
    while remaining:
        at = len(remaining)
        if at > MAX_LINE_CHARACTERS:
            at = max(remaining.rfind(" ", 0, MAX_LINE_CHARACTERS), 0) or MAX_LINE_CHARACTERS
        yield PassageLine(start=segment.start, end=segment.end, text=remaining[:at], speaker=segment.speaker)
        remaining = remaining[at:].lstrip()
