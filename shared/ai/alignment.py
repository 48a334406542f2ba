"""Times for text without times: its sentences are laid over the sound between the silences.

Each sentence takes as much of the time in which somebody speaks as its share of the text. Its end moves to a pause
nearby, and the rest of the text is laid over the rest of the sound, so that errors do not add up. This is the idea of
W. Gale and K. Church, A program for aligning sentences in bilingual corpora, 1993: lengths correspond.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise

from shared.models.video import Segment, TimeSpan

SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+|\n|$)", re.DOTALL)
CLAUSE = re.compile(r".+?(?:[,;:–](?=\s)|[、，；]|$)", re.DOTALL)
MAX_CHARACTERS = 160
"""Longest text of a segment; about ten seconds of speech."""
PAUSE_COST = 3
"""Characters that a sentence counts for in addition: speakers slow down at its end."""
NEARBY_SHARE, NEARBY_SEC = 0.35, 2.0
"""How far the end of a sentence moves to a pause: a share of its own duration, at most so many seconds."""


def align_text(text: str, duration_sec: float, silences: Sequence[TimeSpan]) -> list[Segment]:
    """Return the text in segments whose times are estimated; none for a text without words.

    Args:
        silences: Silent passages, in order of time.
    """
    lines = split_text(text)
    spans = _voiced_spans(duration_sec, silences)
    if not lines or not spans:
        return [Segment(start=0, end=duration_sec, text=line, estimated=True) for line in lines]
    weights = [len(line) + PAUSE_COST for line in lines]
    remaining = sum(weights)
    segments, start = [], spans[0].start
    for line, weight in zip(lines, weights, strict=True):
        voiced_sec = _voiced_between(spans, start, spans[-1].end) * weight / remaining
        remaining -= weight
        end = _time_after(spans, start, voiced_sec)
        next_start = end
        if remaining:
            end, next_start = _move_to_pause(spans, start, end)
        segments.append(Segment(start=round(start, 3), end=round(end, 3), text=line, estimated=True))
        start = next_start
    return segments


def split_text(text: str) -> list[str]:
    """Return the sentences of a text; long ones in clauses, and long clauses between words."""
    lines: list[str] = []
    for sentence in _matches(SENTENCE, text):
        if len(sentence) <= MAX_CHARACTERS:
            lines.append(sentence)
            continue
        for clause in _join_short(_matches(CLAUSE, sentence)):
            lines += _join_short(clause.split() if " " in clause else _slices(clause))
    return lines


def _matches(pattern: re.Pattern[str], text: str) -> list[str]:
    return [part for match in pattern.finditer(text) if (part := match[0].strip())]


def _slices(text: str) -> list[str]:
    return [text[at : at + MAX_CHARACTERS] for at in range(0, len(text), MAX_CHARACTERS)]


def _join_short(parts: Sequence[str]) -> list[str]:
    """Join neighbours up to MAX_CHARACTERS."""
    joined: list[str] = []
    for part in parts:
        if joined and len(joined[-1]) + 1 + len(part) <= MAX_CHARACTERS:
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined


def _voiced_spans(duration_sec: float, silences: Sequence[TimeSpan]) -> list[TimeSpan]:
    spans, at = [], 0.0
    for silence in [*silences, TimeSpan(start=duration_sec, end=duration_sec)]:
        start = min(max(silence.start, 0.0), duration_sec)
        if start > at:
            spans.append(TimeSpan(start=at, end=start))
        at = max(at, min(silence.end, duration_sec))
    return spans


def _voiced_between(spans: Sequence[TimeSpan], start: float, end: float) -> float:
    return sum(max(0.0, min(span.end, end) - max(span.start, start)) for span in spans)


def _time_after(spans: Sequence[TimeSpan], start: float, voiced_sec: float) -> float:
    """Return when somebody has spoken for `voiced_sec` since `start`."""
    remaining = [max(0.0, span.end - max(span.start, start)) for span in spans]
    number = min(bisect_left(list(accumulate(remaining)), voiced_sec - 1e-6), len(spans) - 1)
    before = sum(remaining[:number])
    return min(max(spans[number].start, start) + voiced_sec - before, spans[number].end)


def _move_to_pause(spans: Sequence[TimeSpan], start: float, end: float) -> tuple[float, float]:
    """Return the end of the nearest span and the start of the one after it, if they are nearby; else `end` twice."""
    nearby = min(NEARBY_SHARE * (end - start), NEARBY_SEC)
    pauses = [(span.end, after.start) for span, after in pairwise(spans) if span.end > start]
    pause = min(pauses, key=lambda pause: abs(pause[0] - end), default=(end, end))
    return pause if abs(pause[0] - end) <= nearby else (end, end)
