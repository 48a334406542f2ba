"""Puts in order what someone heard, whoever it was."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence

from shared.models.video import Segment, Word

MAX_COMPRESSION = 2.4
"""Text that shrinks more than this goes round in circles (`compression_ratio_threshold` of Whisper's decoder)."""
LOOP_BYTES = 200
"""Shorter text is not judged by that: people do say “no, no, no, no”."""
LOOP_LINES, LOOP_DIFFERENT = 12, 2
"""So many lines on end made of so few different ones are no speech but a model that got stuck."""


def normalize_segments(segments: Sequence[Segment], duration_sec: float) -> list[Segment]:
    """The segments that have words, all times within the sound and none before that of the segment before.

    Their order stays. The largest number of starts that agree with it are believed; the others take the one before.
    """
    with_text = [segment for segment in segments if segment.text.strip()]
    starts = make_ascending([_clamp_time(segment.start, duration_sec) for segment in with_text])
    return [_clamp_segment(segment, start, duration_sec) for segment, start in zip(with_text, starts, strict=True)]


def assign_words(segments: Sequence[Segment], words: Sequence[Word]) -> list[Segment]:
    """The segments, each with those words whose middle lies after its start and before that of the next one."""
    if not segments:
        return []
    starts = [segment.start for segment in segments]
    words_by_segment: list[list[Word]] = [[] for _ in segments]
    for word in words:
        words_by_segment[max(0, bisect_right(starts, (word.start + word.end) / 2) - 1)].append(word)
    return [
        segment.model_copy(update={"words": own_words})
        for segment, own_words in zip(segments, words_by_segment, strict=True)
    ]


def is_repetitive(texts: Sequence[str]) -> bool:
    """Whether a model said the same over and over, as language models do that listen to music or noise."""
    if any(len(text.encode()) >= LOOP_BYTES and compression_ratio(text) > MAX_COMPRESSION for text in texts):
        return True
    lines = [" ".join(text.lower().split()) for text in texts]
    return any(
        len(set(lines[first : first + LOOP_LINES])) <= LOOP_DIFFERENT for first in range(len(lines) - LOOP_LINES + 1)
    )


def compression_ratio(text: str) -> float:
    """How many times smaller the text gets (`compression_ratio` in Whisper's `utils.py`); 0 for no text."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain))


def make_ascending(numbers: Sequence[float]) -> list[float]:
    """The same numbers but for those outside one longest run that never descends: they take the value before them.

    Patience sorting (Fredman, "On computing the length of longest increasing subsequences", 1975).
    """
    tops: list[float] = []
    piles: list[int] = []
    for number in numbers:
        pile = bisect_right(tops, number)
        tops[pile : pile + 1] = [number]
        piles.append(pile)
    believed: set[int] = set()
    next_pile = len(tops) - 1
    for index in range(len(numbers) - 1, -1, -1):
        if piles[index] == next_pile:
            believed.add(index)
            next_pile -= 1
    result: list[float] = []
    first = min((numbers[index] for index in believed), default=0.0)
    for index, number in enumerate(numbers):
        result.append(number if index in believed else (result[-1] if result else first))
    return result


def _clamp_segment(segment: Segment, start: float, duration_sec: float) -> Segment:
    end = max(start, _clamp_time(segment.end, duration_sec))
    starts = make_ascending([_clamp_time(word.start, end, start) for word in segment.words])
    words = [
        Word(start=at, end=max(at, _clamp_time(word.end, end)), text=word.text.strip())
        for word, at in zip(segment.words, starts, strict=True)
        if word.text.strip()
    ]
    return Segment(start=start, end=end, text=segment.text.strip(), words=words)


def _clamp_time(time: float, latest: float, earliest: float = 0.0) -> float:
    return round(min(max(time, earliest), max(latest, earliest)), 3)
