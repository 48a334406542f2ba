"""Cleanup of speech-to-text results: timestamps, words of segments, and repetition."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence

from shared.ai.links import remove_controls
from shared.models.video import MAX_SPEAKER, Segment, Word

MAX_COMPRESSION = 2.4
"""Text with a higher compression ratio is repetitive (`compression_ratio_threshold` of Whisper's decoder)."""
LOOP_BYTES = 200
"""The compression ratio does not apply to shorter text: people do say “no, no, no, no”."""
LOOP_LINES, LOOP_DIFFERENT = 12, 2
"""As many consecutive lines with so few different ones are a loop of the model, not speech."""


def normalize_segments(segments: Sequence[Segment], duration_sec: float) -> list[Segment]:
    """Return the segments that have text, with ascending times within the audio.

    The order of the segments is kept. Starts outside a longest ascending run take the start before them.
    """
    with_text = [segment for segment in segments if remove_controls(segment.text).strip()]
    starts = make_ascending([_clamp_time(segment.start, duration_sec) for segment in with_text])
    return [_clamp_segment(segment, start, duration_sec) for segment, start in zip(with_text, starts, strict=True)]


def assign_words(segments: Sequence[Segment], words: Sequence[Word]) -> list[Segment]:
    """Return the segments, each with the words whose middle is between its start and the start of the next one."""
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
    """Return True if the model repeats itself, as language models do with music or noise."""
    if any(len(text.encode()) >= LOOP_BYTES and compression_ratio(text) > MAX_COMPRESSION for text in texts):
        return True
    lines = [" ".join(text.lower().split()) for text in texts]
    return any(
        len(set(lines[first : first + LOOP_LINES])) <= LOOP_DIFFERENT for first in range(len(lines) - LOOP_LINES + 1)
    )


def compression_ratio(text: str) -> float:
    """Return size divided by compressed size (`compression_ratio` in Whisper's `utils.py`); 0 for an empty text."""
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain))


def make_ascending(numbers: Sequence[float]) -> list[float]:
    """Return the numbers; those outside one longest non-descending subsequence take the value before them.

    Patience sorting (Fredman, "On computing the length of longest increasing subsequences", 1975).
    """
    tops: list[float] = []
    piles: list[int] = []
    for number in numbers:
        pile = bisect_right(tops, number)
        tops[pile : pile + 1] = [number]
        piles.append(pile)
    kept: set[int] = set()
    next_pile = len(tops) - 1
    for index in range(len(numbers) - 1, -1, -1):
        if piles[index] == next_pile:
            kept.add(index)
            next_pile -= 1
    result: list[float] = []
    first = min((numbers[index] for index in kept), default=0.0)
    for index, number in enumerate(numbers):
        result.append(number if index in kept else (result[-1] if result else first))
    return result


def _clamp_segment(segment: Segment, start: float, duration_sec: float) -> Segment:
    end = max(start, _clamp_time(segment.end, duration_sec))
    starts = make_ascending([_clamp_time(word.start, end, start) for word in segment.words])
    words = [
        Word(start=at, end=max(at, _clamp_time(word.end, end)), text=text)
        for word, at in zip(segment.words, starts, strict=True)
        if (text := remove_controls(word.text).strip())
    ]
    text = remove_controls(segment.text).strip()
    speaker = " ".join(remove_controls(segment.speaker or "").split())[:MAX_SPEAKER] or None
    return Segment(start=start, end=end, text=text, words=words, speaker=speaker)


def _clamp_time(time: float, latest: float, earliest: float = 0.0) -> float:
    return round(min(max(time, earliest), max(latest, earliest)), 3)
