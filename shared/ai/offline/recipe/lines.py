"""Lines of a recipe from captions and speech, split into sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.units import VOWELS
from shared.ai.offline.recipe.quantity import parse_quantity
from shared.ai.offline.recipe.text import TokenizedText, normalize_text
from shared.ai.screen.lines import Box
from shared.analyses.evidence import Sighting
from shared.models.video import Segment

Source = Literal["screen", "subtitle", "speech", "caption"]
CAPTION_CONFIDENCE = 0.95
SPOKEN_CONFIDENCE = 0.9
MAX_PAUSE_SEC = 1.5
MAX_RUN_WORDS = 30
"""Speech without punctuation is cut after at most about so many words."""
MAX_ABBREVIATED_WORDS = 3
MIN_PUNCTUATED = 0.2
"""Least share of subtitles that end a sentence for punctuation to be trusted."""
SENTENCE_SIGNS = (".", "!", "?", "…")
MARKUP = re.compile(r"<[^>]*>|\{\\?[^}]*\}|\[[^\]]*\]|[♪♫]")
SENTENCE_END = re.compile(r"[.!?…]+[\"')]*\s+(?=[^\W_a-zа-яёäöü])|\s•\s(?=[^\W\d_a-zа-яёäöü])")
NUMBER = re.compile(r"^(\d{1,2})\s*[.)](?:\s+|$)")


@dataclass(frozen=True)
class RecipeLine:
    """A line or sentence and its source.

    Attributes:
        marks: Offsets in the text at which a new time starts, with that time; for subtitles.
        box: Position on the screen; of joined lines, around all of them.
        height: Height of one line of it, in pixels.
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

    def time_at_offset(self, offset: int) -> float | None:
        return max((time for mark, time in self.marks if mark <= offset), default=self.start)

    def sighting(self, certainty: float = 1.0, offset: int = 0) -> Sighting:
        """Return the source of an entry in this line; `certainty` is the confidence in its meaning."""
        return Sighting(
            source=self.source,
            time=self.time_at_offset(offset),
            frame=self.frame,
            text=self.text,
            confidence=round(self.confidence * certainty, 3),
        )

    def overlaps(self, other: RecipeLine) -> bool:
        """Return True if both are on screen at the same time; lines without a time always are."""
        if self.start is None or self.end is None or other.start is None or other.end is None:
            return True
        return self.start <= other.end and other.start <= self.end


def parse_step_number(text: str, lexicon: Lexicon, is_ocr: bool = True) -> tuple[int, str] | None:
    """Return number and text of a step such as `2. Mix`; None for `1. 5 kg`, a number that OCR split."""
    mark = NUMBER.match(text)
    if not mark:
        return None
    content = text[mark.end() :]
    may_be_decimal = is_ocr and mark[0].rstrip().endswith(".") and content[:1].isnumeric()
    if may_be_decimal and not any(token.folded in lexicon.verbs for token in TokenizedText(content, lexicon).tokens):
        return None
    return int(mark[1]), content


def caption_lines(caption: str | None, lexicon: Lexicon) -> list[RecipeLine]:
    """Return the lines of a caption, split into sentences."""
    lines: list[RecipeLine] = []
    for row in (caption or "").splitlines():
        text = normalize_text(row)
        pieces = [text] if parse_step_number(text, lexicon, is_ocr=False) else split_sentences(text, lexicon)
        if not lines and len(pieces) == 1:
            pieces = split_title(text)
        lines += [RecipeLine(piece, "caption", confidence=CAPTION_CONFIDENCE) for piece in pieces if piece]
    return lines


def split_title(text: str) -> list[str]:
    """Split a dish from the amounts after it in the first line of a caption: `Salmon bowl • 200 g salmon`."""
    head, bullet, rest = text.partition(" • ")
    is_title = rest[:1].isnumeric() and len(head.split()) > 1 and not any(char.isnumeric() for char in head)
    return [head, rest] if bullet and is_title else [text]


def split_sentences(text: str, lexicon: Lexicon) -> list[str]:
    """Split text after each sentence, but not after `tbsp.` or `ca.`"""
    parts, start = [], 0
    for mark in SENTENCE_END.finditer(text):
        before = TokenizedText(text[start : mark.start()], lexicon)
        at = len(before) - 1
        last = before.token_at(at)
        if is_name_before_amount(before, text[mark.end() :]):
            continue
        has_leader = mark[0].startswith(("..", "…")) and text[mark.end()].isdigit()
        if has_leader or last is None or (last.kind == "number" and at == 0) or len(last.text) == 1:
            continue
        if is_abbreviation(before, at) or (text[mark.end()].isdigit() and lexicon.minutes.match(before.tokens, at)):
            continue
        parts.append(text[start : mark.end()].strip())
        start = mark.end()
    return [*parts, text[start:].strip()]


def is_name_before_amount(before: TokenizedText, rest: str) -> bool:
    """Return True if an abbreviated name comes before its amount: `Масло раст. 2 ст. л.`"""
    is_short = all(token.kind == "word" and token.folded not in before.lexicon.verbs for token in before.tokens)
    following = TokenizedText(rest, before.lexicon)
    quantity = parse_quantity(following, 0) if is_short and len(before) <= MAX_ABBREVIATED_WORDS else None
    return quantity is not None and quantity.unit is not None and quantity.end == len(following)


def is_abbreviation(text: TokenizedText, at: int) -> bool:
    """Return True if a dot after the word at a place does not end a sentence: `2 gr. Zwiebeln`, `ca. 20`."""
    lexicon = text.lexicon
    tables = (lexicon.approximately, lexicon.heaped, lexicon.sizes, lexicon.taste)
    if text.unit_at(at) is not None or any(table.match(text.tokens, at) for table in tables):
        return True
    is_known = lexicon.food_end(text.tokens, at) or text.is_word(at, lexicon.vocabulary)
    has_vowel = bool(set(text.tokens[at].folded) & set(VOWELS))
    is_short = not has_vowel or lexicon.unit_forms.abbreviation(text.tokens[at]) is not None
    return text.is_counted(at) and not is_known and is_short


def speech_lines(transcript: Sequence[Segment], source: Source, lexicon: Lexicon) -> list[RecipeLine]:
    """Return the sentences of subtitles or speech, each with the times of its words."""
    lines: list[RecipeLine] = []
    for run in group_segments(clean_segments(transcript), lexicon):
        text, marks = "", []
        for segment in run:
            marks.append((len(text), segment.start))
            text += segment.text + " "
        offset = 0
        for sentence in split_sentences(text.strip(), lexicon):
            offset = text.index(sentence, offset)
            end = offset + len(sentence)
            start = max(time for mark, time in marks if mark <= offset)
            inside = tuple((mark - offset, time) for mark, time in marks if offset < mark < end)
            last = max(segment.end for (mark, _), segment in zip(marks, run, strict=True) if mark < end)
            lines.append(RecipeLine(sentence, source, start, last, None, SPOKEN_CONFIDENCE, marks=inside))
            offset = end
    return lines


def clean_segments(transcript: Sequence[Segment]) -> list[Segment]:
    """Return segments without markup; omits empty ones and repetitions of the one before."""
    cleaned: list[Segment] = []
    for segment in transcript:
        text = normalize_text(MARKUP.sub(" ", segment.text))
        if text and not (cleaned and cleaned[-1].text == text):
            cleaned.append(segment.model_copy(update={"text": text}))
    return cleaned


def group_segments(segments: Sequence[Segment], lexicon: Lexicon) -> Iterator[list[Segment]]:
    """Yield segments that belong together: up to the end of a sentence, a pause, or too many words.

    Without punctuation, a segment continues the last one only if that is incomplete: `add two cups | of flour`.
    """
    stops = sum(segment.text.endswith(SENTENCE_SIGNS) for segment in segments)
    punctuated = stops >= MIN_PUNCTUATED * len(segments)
    run: list[Segment] = []
    for segment in segments:
        if run and not belongs_to_run(run, segment, punctuated, lexicon):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def belongs_to_run(run: list[Segment], segment: Segment, punctuated: bool, lexicon: Lexicon) -> bool:
    before = run[-1]
    if before.text.endswith(SENTENCE_SIGNS) or segment.start - before.end > MAX_PAUSE_SEC:
        return False
    if sum(len(member.text.split()) for member in run) > MAX_RUN_WORDS:
        return False
    return (
        punctuated
        or is_cut_off(TokenizedText(before.text, lexicon))
        or TokenizedText(segment.text, lexicon).is_word(0, lexicon.of)
    )


def is_cut_off(text: TokenizedText) -> bool:
    """Return True if a text is incomplete: it ends in a number, a unit, a preposition or the like."""
    last = len(text) - 1
    return (
        (last >= 0 and (text.tokens[last].kind in ("number", "fraction") or text.tokens[last].text in ",-"))
        or text.is_word(last, text.lexicon.hanging | text.lexicon.of | text.lexicon.articles)
        or text.value_of_word(last) is not None
        or any((unit := text.unit_at(at)) and unit.end == len(text) for at in range(max(0, last - 1), last + 1))
    )
