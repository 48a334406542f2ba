"""Lines of a recipe from captions, speech and on-screen text: split into sentences, and wrapped lines joined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.recipe.facts import parse_facts
from shared.ai.offline.recipe.quantity import parse_quantity
from shared.ai.offline.recipe.text import TokenizedText, normalize_text, repair_ocr
from shared.ai.screen.lines import Box, ScreenLine
from shared.analyses.evidence import Sighting
from shared.models.video import Segment

Source = Literal["screen", "subtitle", "speech", "caption"]
CAPTION_CONFIDENCE = 0.95
SPOKEN_CONFIDENCE = 0.9
MAX_PAUSE_SEC = 1.5
MAX_RUN_WORDS = 30
"""Speech without punctuation is cut after at most about so many words."""
MIN_PUNCTUATED = 0.2
"""Least share of subtitles that end a sentence for punctuation to be trusted."""
SAME_HEIGHT = 1.25
"""Largest ratio of two heights that count as the same."""
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


def parse_step_number(text: str, lexicon: Lexicon) -> tuple[int, str] | None:
    """Return number and text of a step such as `2. Mix`; None for `1. 5 kg`, a number that OCR split."""
    mark = NUMBER.match(text)
    if not mark:
        return None
    content = text[mark.end() :]
    if content[:1].isnumeric() and not any(
        token.folded in lexicon.verbs for token in TokenizedText(content, lexicon).tokens
    ):
        return None
    return int(mark[1]), content


def caption_lines(caption: str | None, lexicon: Lexicon) -> list[RecipeLine]:
    """Return the lines of a caption, split into sentences."""
    lines = []
    for row in (caption or "").splitlines():
        text = normalize_text(row)
        pieces = [text] if parse_step_number(text, lexicon) else split_sentences(text, lexicon)
        lines += [RecipeLine(piece, "caption", confidence=CAPTION_CONFIDENCE) for piece in pieces if piece]
    return lines


def split_sentences(text: str, lexicon: Lexicon) -> list[str]:
    """Split text after each sentence, but not after `tbsp.` or `ca.`"""
    parts, start = [], 0
    for mark in SENTENCE_END.finditer(text):
        before = TokenizedText(text[start : mark.start()], lexicon)
        at = len(before) - 1
        last = before.token_at(at)
        if last is None or (last.kind == "number" and at == 0) or len(last.text) == 1:
            continue
        if before.unit_at(at) or lexicon.approximately.match(before.tokens, at):
            continue
        parts.append(text[start : mark.end()].strip())
        start = mark.end()
    return [*parts, text[start:].strip()]


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


def screen_lines(ocr_lines: Sequence[ScreenLine], lexicon: Lexicon) -> list[RecipeLine]:
    """Return the lines on screen, with wrapped lines joined."""
    lines: list[RecipeLine] = []
    for ocr_line in ocr_lines:
        text = repair_ocr(normalize_text(ocr_line.text), lexicon)
        line = RecipeLine(
            text,
            "screen",
            ocr_line.start,
            ocr_line.end,
            ocr_line.frame,
            ocr_line.confidence,
            ocr_line.box,
            ocr_line.height,
        )
        if text and lines and is_continuation(lines[-1], line, lexicon):
            lines[-1] = join_lines(lines[-1], line)
        elif text:
            lines.append(line)
    return lines


def is_continuation(before: RecipeLine, line: RecipeLine, lexicon: Lexicon) -> bool:
    """Return True if a line on screen continues the sentence or entry of the line above it, or before it in time."""
    if before.text.endswith((":", ".", "!", "?")):
        return False
    text, above = TokenizedText(line.text, lexicon), TokenizedText(before.text, lexicon)
    if is_replacement(before, line):
        return is_unfinished(above, text) or has_leading_link(text)
    if not (before.overlaps(line) and is_right_below(before, line)):
        return False
    if line.text.endswith(":") or parse_step_number(line.text, lexicon) or has_fact(text):
        return False
    last = above.token_at(len(above) - 1)
    if last and (last.folded in lexicon.hanging or last.text in ",-&+"):
        return True
    if is_time_or_heat(text) and any(token.folded in lexicon.verbs for token in above.tokens):
        return True
    leading = parse_quantity(text, 0)
    if leading and leading.amount is not None and not leading.weak:
        return False
    wraps = not has_room_above(before, line)
    if parse_step_number(before.text, lexicon):
        return wraps or line.text[0].islower()
    has_verb = any(token.folded in lexicon.verbs for token in above.tokens)
    if line.text[0].islower():
        return has_verb or (wraps and not lexicon.is_food(line.text))
    completes = any(token.folded in lexicon.verbs for token in text.tokens) and not text.is_word(0, lexicon.verbs)
    return wraps and completes and not has_verb and not lexicon.has_food(above.tokens)


def has_fact(text: TokenizedText) -> bool:
    """Return True if a line is a fact on its own: `für 4 Personen`."""
    return bool(parse_facts(text)) and not any(token.folded in text.lexicon.verbs for token in text.tokens)


def is_time_or_heat(text: TokenizedText) -> bool:
    """Return True if a line is only a time or temperature: `230 °C`."""
    heat = text.lexicon.degrees | {"c", "f", "с"}
    names = [at for at, token in enumerate(text.tokens) if token.kind == "word" and token.folded not in heat]
    return bool(text.tokens) and all(text.lexicon.minutes.match(text.tokens, at) for at in names)


def is_right_below(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line is right below another, in letters of the same size."""
    if not before.box or not line.box:
        return False
    return is_same_height(before, line) and -line.height < line.box[1] - before.box[3] < line.height


def is_replacement(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line appears where another just disappeared, as in captions shown word by word."""
    if not before.box or not line.box or before.overlaps(line) or before.end is None or line.start is None:
        return False
    return (
        is_same_height(before, line)
        and line.start - before.end <= MAX_PAUSE_SEC
        and abs(line.box[3] - before.box[3]) < line.height
    )


def is_unfinished(before: TokenizedText, text: TokenizedText) -> bool:
    """Return True if the earlier words are incomplete: `half a cup of`, `then add`."""
    lexicon, last = text.lexicon, len(before) - 1
    if before.is_word(last, lexicon.hanging | lexicon.of):
        return True
    if before.is_word(last, lexicon.stops):
        return text.is_word(0, lexicon.determiners)
    takes_object = before.is_word(last, lexicon.verbs) and lexicon.tables.verb_place != "ends"
    return takes_object and not text.is_word(0, lexicon.verbs)


def has_leading_link(text: TokenizedText) -> bool:
    """Return True if words continue earlier ones: `and salt`, `for 12 minutes`, but not `for the sauce`."""
    lexicon = text.lexicon
    if text.is_word(0, lexicon.group_openers):
        return any(token.kind == "number" for token in text.tokens)
    links = (lexicon.hanging | lexicon.joiners | lexicon.of) - lexicon.determiners
    return text.text[0].islower() and text.is_word(0, links)


def is_same_height(first: RecipeLine, second: RecipeLine) -> bool:
    return max(first.height, second.height) <= SAME_HEIGHT * min(first.height, second.height)


def has_room_above(before: RecipeLine, line: RecipeLine) -> bool:
    """Return True if a line's first word would fit on the line above, within the width of the wider one."""
    if not before.box or not line.box:
        return True
    width, below = before.box[2] - before.box[0], line.box[2] - line.box[0]
    first = (len(line.text.split()[0]) + 1) * below / len(line.text)
    return width + first <= max(width, below)


def join_lines(before: RecipeLine, line: RecipeLine) -> RecipeLine:
    hyphenated = before.text.endswith("-") and line.text[0].islower()
    text = before.text[:-1] + line.text if hyphenated else f"{before.text} {line.text}"
    box = before.box
    if box and line.box:
        box = (min(box[0], line.box[0]), box[1], max(box[2], line.box[2]), line.box[3])
    confidence = min(before.confidence, line.confidence)
    return replace(before, text=text, box=box, end=max(before.end or 0, line.end or 0), confidence=confidence)
