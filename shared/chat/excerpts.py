"""Excerpts of transcripts: overlapping windows to search in, and merged passages to answer from.

A window is long enough to be understood by itself and short enough for a precise match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.media.speakers import attribute_texts
from shared.models.chat import Citation, Passage, PassageLine, PassageOrigin
from shared.models.video import Segment, Word

MIN_WINDOW_SEC, MAX_WINDOW_SEC = 30.0, 45.0
"""A window ends at the last end of a sentence between these, else at the last end of a segment before the second."""
OVERLAP_SHARE = 1 / 3
MAX_LINE_SEC = 15.0
"""Longer segments are split if their words have timestamps."""
MAX_WINDOW_CHARACTERS = 2_000
"""Limit of a window with wrong timestamps; no speech is faster."""
MAX_EXCERPT_SEC = 90.0
"""Maximum duration of an excerpt, so that a citation leads to a precise place."""
SENTENCE_ENDS = tuple(".!?…。！？")
CLOSING_MARKS = "\"'»”’)]"


@dataclass(frozen=True)
class Window:
    """Consecutive lines of a transcript, or of other texts of a video."""

    lines: Sequence[PassageLine]
    origin: PassageOrigin = field(default="speech", kw_only=True)

    @property
    def start(self) -> float:
        return self.lines[0].start

    @property
    def end(self) -> float:
        return max(line.end for line in self.lines)

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


def split_windows(segments: Sequence[Segment], origin: PassageOrigin = "speech") -> list[Window]:
    """Return all text in windows, in order; each overlaps about a third of the previous one."""
    lines = [line for segment in segments for line in split_segment(segment)]
    result: list[Window] = []
    first = 0
    while first < len(lines):
        after = end_of_window(lines, first)
        result.append(Window(lines[first:after], origin=origin))
        if after == len(lines):
            break
        first = start_of_next(lines, first, after)
    return result


def end_of_window(lines: Sequence[PassageLine], first: int) -> int:
    """Return the index after the last line of the window that starts with line `first`."""
    start, after, sentence, characters = lines[first].start, first + 1, 0, len(lines[first].text)
    while after < len(lines):
        characters += len(lines[after].text) + 1
        if lines[after].end - start > MAX_WINDOW_SEC or characters > MAX_WINDOW_CHARACTERS:
            return sentence or after
        after += 1
        if lines[after - 1].end - start >= MIN_WINDOW_SEC and ends_sentence(lines[after - 1].text):
            sentence = after
    return after


def start_of_next(lines: Sequence[PassageLine], first: int, after: int) -> int:
    """Return the first line of the next window: within the last third, at the start of a sentence if possible."""
    start, end = lines[first].start, lines[after - 1].end
    within = [at for at in range(first + 1, after) if lines[at].start >= end - (end - start) * OVERLAP_SHARE]
    return next((at for at in within if ends_sentence(lines[at - 1].text)), within[0] if within else after)


def ends_sentence(text: str) -> bool:
    return text.rstrip(CLOSING_MARKS).endswith(SENTENCE_ENDS)


def split_segment(segment: Segment) -> Iterator[PassageLine]:
    """Yield the segment as lines with known times: a long segment is split at its words if they have timestamps."""
    words = [word for word in segment.words if word.text.strip()]
    if segment.end - segment.start <= MAX_LINE_SEC or len(words) < 2:
        yield from split_text(segment)
        return
    run: list[Word] = []
    for word in words:
        if run and (word.end - run[0].start > MAX_LINE_SEC or ends_sentence(run[-1].text.strip())):
            yield join_words(run, segment.speaker)
            run = []
        run.append(word)
    yield join_words(run, segment.speaker)


def join_words(run: Sequence[Word], speaker: str | None) -> PassageLine:
    """Return a line of the words; words with leading spaces are joined without a separator."""
    separator = "" if any(word.text[0].isspace() for word in run[1:]) else " "
    text = " ".join(separator.join(word.text for word in run).split())
    return PassageLine(start=run[0].start, end=run[-1].end, text=text, speaker=speaker)


def split_text(segment: Segment) -> Iterator[PassageLine]:
    """Yield one line, or several with the same times if the text is too long for a window."""

    def line(text: str) -> PassageLine:
        return PassageLine(start=segment.start, end=segment.end, text=text, speaker=segment.speaker)

    remaining = " ".join(segment.text.split())
    while len(remaining) > MAX_WINDOW_CHARACTERS:
        at = remaining.rfind(" ", 0, MAX_WINDOW_CHARACTERS)
        piece, remaining = (
            (remaining[:at], remaining[at:])
            if at > 0
            else (remaining[:MAX_WINDOW_CHARACTERS], remaining[MAX_WINDOW_CHARACTERS:])
        )
        remaining = remaining.lstrip()
        yield line(piece)
    if remaining:
        yield line(remaining)


@dataclass(frozen=True)
class Excerpt(Window):
    """Lines of one video's transcript, in order of time."""

    video_id: str

    @property
    def text(self) -> str:
        return " ".join(attribute_texts((line.speaker, line.text) for line in self.lines))

    def citation(self, number: int, title: str | None) -> Citation:
        return Citation(
            number=number, video_id=self.video_id, title=title, start=self.start, end=self.end, quote=self.text
        )


def merge_passages(passages: Iterable[Passage]) -> list[Excerpt]:
    """Merge overlapping passages into excerpts, in the order of the passages.

    If an excerpt would exceed MAX_EXCERPT_SEC, the lines that no other excerpt contains become a new one.
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
            merged[target] = Excerpt(lines, passage.video_id)
        elif new:
            merged.append(Excerpt(new, passage.video_id))
    return merged


def overlaps(excerpt: Excerpt, passage: Passage) -> bool:
    return excerpt.start < passage.end and passage.start < excerpt.end


def joined_length(excerpt: Excerpt, passage: Passage) -> float:
    return max(excerpt.end, passage.end) - min(excerpt.start, passage.start)
