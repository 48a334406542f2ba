"""Lines of text in one form, and how captions and speech are cut into them. For the screen: wrapping.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.text import tidy
from shared.ai.offline.recipe.cursor import Text
from shared.ai.screen.line import Box
from shared.models.recipe import Sighting
from shared.models.video import Segment

Source = Literal["screen", "subtitle", "speech", "caption"]

CAPTION_CONFIDENCE = 0.95
SPOKEN_CONFIDENCE = 0.9
MAX_PAUSE_SEC = 1.5
MAX_RUN_WORDS = 30
"""Speech without punctuation is cut after so many words at the latest."""
MIN_PUNCTUATED = 0.2
"""Share of subtitles that end a sentence, from which on punctuation is trusted."""
SENTENCE_SIGNS = (".", "!", "?", "…")
MARKUP = re.compile(r"<[^>]*>|\{\\?[^}]*\}|\[[^\]]*\]|[♪♫]")
SENTENCE_END = re.compile(r"[.!?…]+[\"')]*\s+(?=[^\W_a-zа-яёäöü])|\s•\s(?=[^\W\d_a-zа-яёäöü])")
NUMBER = re.compile(r"^(\d{1,2})\s*[.)](?:\s+|$)")


@dataclass(frozen=True)
class Line:
    """A line or sentence and where it was found.

    Attributes:
        marks: Offsets in the text from which on another time holds, with that time; for subtitles.
        box: Where it stands on the screen; of joined lines, around all of them.
        height: Of one line of it, in pixels.
    """

    text: str
    source: Source
    start: float | None = None
    end: float | None = None
    frame: str | None = None
    confidence: float = 1.0
    box: Box | None = None
    height: float = 0
    marks: tuple[tuple[int, float], ...] = ()

    def time_at(self, offset: int) -> float | None:
        return max((time for mark, time in self.marks if mark <= offset), default=self.start)

    def sighting(self, certainty: float = 1.0, offset: int = 0) -> Sighting:
        """Where something in this line was seen; `certainty` says how sure its meaning is."""
        return Sighting(
            source=self.source,
            time=self.time_at(offset),
            frame=self.frame,
            text=self.text,
            confidence=round(self.confidence * certainty, 3),
        )

    def overlaps(self, other: Line) -> bool:
        """Whether both are on the screen at the same time; lines without a time always are."""
        if self.start is None or self.end is None or other.start is None or other.end is None:
            return True
        return self.start <= other.end and other.start <= self.end


def numbering(text: str, tongue: Lexicon) -> tuple[int, str] | None:
    """The number of a step and the rest: `2. Mix`. `1. 5 kg` is a number that OCR took apart."""
    mark = NUMBER.match(text)
    if not mark:
        return None
    rest = text[mark.end() :]
    if rest[:1].isnumeric() and not any(token.folded in tongue.verbs for token in Text(rest, tongue).tokens):
        return None
    return int(mark[1]), rest


def caption_lines(caption: str | None, tongue: Lexicon) -> list[Line]:
    """The lines of a caption; long ones by sentence."""
    lines = []
    for row in (caption or "").splitlines():
        text = tidy(row)
        pieces = [text] if numbering(text, tongue) else sentences(text, tongue)
        lines += [Line(piece, "caption", confidence=CAPTION_CONFIDENCE) for piece in pieces if piece]
    return lines


def sentences(text: str, tongue: Lexicon) -> list[str]:
    """`text` cut after each sentence, but not after `tbsp.` or `ca.`"""
    found, start = [], 0
    for mark in SENTENCE_END.finditer(text):
        before = Text(text[start : mark.start()], tongue)
        at = len(before) - 1
        last = before.token(at)
        if last is None or (last.kind == "number" and at == 0) or len(last.text) == 1:
            continue
        if before.unit(at) or tongue.approximately.at(before.tokens, at):
            continue
        found.append(text[start : mark.end()].strip())
        start = mark.end()
    return [*found, text[start:].strip()]


def spoken_lines(transcript: Sequence[Segment], source: Source, tongue: Lexicon) -> list[Line]:
    """Sentences of subtitles or speech, each with the times of its words."""
    lines: list[Line] = []
    for run in runs(plain(transcript), tongue):
        text, marks = "", []
        for segment in run:
            marks.append((len(text), segment.start))
            text += segment.text + " "
        offset = 0
        for sentence in sentences(text.strip(), tongue):
            offset = text.index(sentence, offset)
            end = offset + len(sentence)
            start = max(time for mark, time in marks if mark <= offset)
            inside = tuple((mark - offset, time) for mark, time in marks if offset < mark < end)
            last = max(segment.end for (mark, _), segment in zip(marks, run, strict=True) if mark < end)
            lines.append(Line(sentence, source, start, last, None, SPOKEN_CONFIDENCE, marks=inside))
            offset = end
    return lines


def plain(transcript: Sequence[Segment]) -> list[Segment]:
    """Segments without markup; those that are empty or say the last one again are left out."""
    found: list[Segment] = []
    for segment in transcript:
        text = tidy(MARKUP.sub(" ", segment.text))
        if text and not (found and found[-1].text == text):
            found.append(segment.model_copy(update={"text": text}))
    return found


def runs(segments: Sequence[Segment], tongue: Lexicon) -> Iterator[list[Segment]]:
    """Segments that belong together: up to the end of a sentence, a pause, or too many words.

    Where no one set full stops, a segment goes on with the last one only if that breaks off: `add two cups | of flour`.
    """
    stops = sum(segment.text.endswith(SENTENCE_SIGNS) for segment in segments)
    punctuated = stops >= MIN_PUNCTUATED * len(segments)
    run: list[Segment] = []
    for segment in segments:
        if run and not goes_on(run, segment, punctuated, tongue):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def goes_on(run: list[Segment], segment: Segment, punctuated: bool, tongue: Lexicon) -> bool:
    before = run[-1]
    if before.text.endswith(SENTENCE_SIGNS) or segment.start - before.end > MAX_PAUSE_SEC:
        return False
    if sum(len(one.text.split()) for one in run) > MAX_RUN_WORDS:
        return False
    return punctuated or breaks_off(Text(before.text, tongue)) or Text(segment.text, tongue).is_word(0, tongue.of)


def breaks_off(text: Text) -> bool:
    """Whether something must follow: its last word is a number, a unit, a preposition or the like."""
    last = len(text) - 1
    return (
        (last >= 0 and (text.tokens[last].kind in ("number", "fraction") or text.tokens[last].text in ",-"))
        or text.is_word(last, text.tongue.hanging | text.tongue.of | text.tongue.articles)
        or text.value_of_word(last) is not None
        or any((unit := text.unit(at)) and unit.end == len(text) for at in range(max(0, last - 1), last + 1))
    )
