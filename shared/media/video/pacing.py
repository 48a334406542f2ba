"""Measure the pacing of a video: cuts, speech rate, silence and on-screen text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Protocol

from shared.models.media import MediaInfo
from shared.models.video import AudioTrack, Pacing, Segment, Shot, TimeSpan

WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which are written without spaces between words."""


class TimedSpan(Protocol):
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


class TimedText(TimedSpan, Protocol):
    @property
    def text(self) -> str: ...


def measure_pacing(
    info: MediaInfo,
    shots: Sequence[Shot],
    audio: AudioTrack | None,
    silences: Sequence[TimeSpan],
    transcript: Sequence[Segment],
    sample_times: Sequence[float],
    screen: Sequence[TimedText],
) -> Pacing:
    """Measure the pacing of a video.

    Args:
        sample_times: Times of the frames that were read for on-screen text, in order.
        screen: The on-screen lines, each from the first to the last sample that shows it.
    """
    duration = info.duration_sec
    lengths = [shot.end - shot.start for shot in shots]
    cuts = [shot.start for shot in shots[1:]]
    spoken = _merge_spans(transcript, duration)
    words = count_words(segment.text for segment in transcript)
    covered = text_seconds(sample_times, screen, duration)
    words_read = count_words(line.text for line in screen)
    firsts = {
        "first_cut_sec": min(cuts, default=None),
        "first_words_sec": min((start for start, _ in spoken), default=None),
        "first_text_sec": min((line.start for line in screen), default=None),
    }
    return Pacing(
        duration_sec=duration,
        shots=len(shots),
        cuts_per_minute=_round(60 * len(cuts) / duration) if duration else 0,
        mean_shot_sec=_round(fmean(lengths)) if lengths else None,
        median_shot_sec=_round(median(lengths)) if lengths else None,
        longest_shot_sec=_round(max(lengths)) if lengths else None,
        **{name: None if time is None else _round(time) for name, time in firsts.items()},
        hook_sec=min((_round(time) for time in firsts.values() if time is not None), default=None),
        loudness=audio.loudness if audio else None,
        silence_share=_share(_total_length(_merge_spans(silences, duration)), duration) if audio else None,
        words_spoken=words,
        words_per_minute=_rate(words, _total_length(spoken) / 60),
        text_share=_share(covered, duration - sample_times[0]) if sample_times else None,
        text_words_per_sec=_rate(words_read, covered),
    )


def count_words(texts: Iterable[str]) -> int | None:
    """Count words by spaces and punctuation; None without words, or for scripts without spaces between them."""
    text = " ".join(texts)
    if 2 * len(UNSPACED.findall(text)) > sum(map(str.isalpha, text)):
        return None
    return len(WORD.findall(text)) or None


def text_seconds(sample_times: Sequence[float], screen: Sequence[TimedSpan], duration: float) -> float:
    """Return the total seconds with on-screen text; each sample counts until the next one."""
    ends = [*sample_times[1:], max(duration, *sample_times[-1:])] if sample_times else []
    return sum(
        end - time
        for time, end in zip(sample_times, ends, strict=True)
        if any(line.start <= time <= line.end for line in screen)
    )


def _merge_spans(spans: Iterable[TimedSpan], duration: float) -> list[tuple[float, float]]:
    """Clip spans to the video and merge overlapping ones, in order."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted((max(0.0, span.start), min(duration, span.end)) for span in spans):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _total_length(spans: Iterable[tuple[float, float]]) -> float:
    return sum(end - start for start, end in spans)


def _rate(count: int | None, time: float) -> float | None:
    return _round(count / time) if count and time > 0 else None


def _share(time: float, total: float) -> float | None:
    return round(min(1.0, time / total), 3) if total > 0 else None


def _round(value: float) -> float:
    return round(value, 2)
