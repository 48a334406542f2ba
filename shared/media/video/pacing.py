"""The pace of a video in numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Protocol

from shared.models.reel import Pacing
from shared.models.video import AudioTrack, MediaInfo, Segment, Shot, TimeSpan

WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which put no spaces between words."""


class Timed(Protocol):
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


class Shown(Timed, Protocol):
    @property
    def text(self) -> str: ...


def pacing(
    info: MediaInfo,
    shots: Sequence[Shot],
    audio: AudioTrack | None,
    silences: Sequence[TimeSpan],
    transcript: Sequence[Segment],
    looks: Sequence[float],
    screen: Sequence[Shown],
) -> Pacing:
    """Measure.

    Args:
        looks: Times at which the screen was looked at for text, in order.
        screen: The lines that were found, each from the first to the last look that shows it.
    """
    duration = info.duration_sec
    lengths = [shot.end - shot.start for shot in shots]
    cuts = [shot.start for shot in shots[1:]]
    spoken = _inside(transcript, duration)
    words = count_words(segment.text for segment in transcript)
    covered = text_seconds(looks, screen, duration)
    read = count_words(line.text for line in screen)
    firsts = {
        "first_cut_sec": min(cuts, default=None),
        "first_words_sec": min((start for start, _ in spoken), default=None),
        "first_text_sec": min((line.start for line in screen), default=None),
    }
    return Pacing(
        duration_sec=duration,
        shots=len(shots),
        cuts_per_minute=_rounded(60 * len(cuts) / duration) if duration else 0,
        mean_shot_sec=_rounded(fmean(lengths)) if lengths else None,
        median_shot_sec=_rounded(median(lengths)) if lengths else None,
        longest_shot_sec=_rounded(max(lengths)) if lengths else None,
        **{name: None if time is None else _rounded(time) for name, time in firsts.items()},
        hook_sec=min((_rounded(time) for time in firsts.values() if time is not None), default=None),
        loudness=audio.loudness if audio else None,
        silence_share=_share(_length(_inside(silences, duration)), duration) if audio else None,
        words_spoken=words,
        words_per_minute=_rate(words, _length(spoken) / 60),
        text_share=_share(covered, duration - looks[0]) if looks else None,
        text_words_per_sec=_rate(read, covered),
    )


def count_words(texts: Iterable[str]) -> int | None:
    """Words by spaces and punctuation; None when there are no words, or in scripts that put no spaces between them."""
    text = " ".join(texts)
    if 2 * len(UNSPACED.findall(text)) > sum(map(str.isalpha, text)):
        return None
    return len(WORD.findall(text)) or None


def text_seconds(looks: Sequence[float], screen: Sequence[Timed], duration: float) -> float:
    """For how long there is text: each look stands for the time until the next one."""
    ends = [*looks[1:], max(duration, *looks[-1:])] if looks else []
    return sum(
        end - look
        for look, end in zip(looks, ends, strict=True)
        if any(line.start <= look <= line.end for line in screen)
    )


def _inside(spans: Iterable[Timed], duration: float) -> list[tuple[float, float]]:
    """What of the spans lies within the video, overlaps counted once, in order."""
    found: list[tuple[float, float]] = []
    for start, end in sorted((max(0.0, span.start), min(duration, span.end)) for span in spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _length(spans: Iterable[tuple[float, float]]) -> float:
    return sum(end - start for start, end in spans)


def _rate(count: int | None, time: float) -> float | None:
    return _rounded(count / time) if count and time > 0 else None


def _share(time: float, whole: float) -> float | None:
    return round(min(1.0, time / whole), 3) if whole > 0 else None


def _rounded(value: float) -> float:
    return round(value, 2)
