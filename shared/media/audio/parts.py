"""Split audio into parts that are short and small enough for one request to a speech service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.media.audio.decoder import SAMPLE_RATE, write_flac
from shared.media.container import open_media
from shared.models.video import AudioPart, TimeSpan

# OpenAI accepts 1500 s and 25 MB; shorter parts are transcribed in parallel, and a failure costs less.
MAX_PART_SEC = 300.0
MAX_PART_BYTES = 20_000_000
# Silences from this length on are skipped: shorter ones cost less than another request.
SKIPPED_SEC = 10.0
OVERLAP_SEC = 5.0
_MARGIN_SEC = 0.5
_ROUNDING_SEC = 0.01
_CUT_ZONE = 0.2
# Upper bound of FLAC for noise: two bytes per sample, 20 more for each 4608 samples, and a header with its padding.
_MOST_BYTES_PER_SEC = SAMPLE_RATE * 2 * 1.01
_HEADER_BYTES = 16_384


def split_audio(
    flac: Path, silences: Sequence[TimeSpan], duration_sec: float, out: Path, tick: Callable[[float], None]
) -> list[AudioPart]:
    """Return the parts to transcribe, in order of time; none if all of the audio is silent.

    `flac` is mono, 16 kHz, 16 bits and lies in the media folder `out`. If it fits into one part, it is that part. Else
    the parts are written there as `audio/000.flac` and so on, of at most `MAX_PART_SEC` and `MAX_PART_BYTES`, cut by
    `plan_parts`; each begins exactly at the sample of its `start`. `tick` receives the fraction done.
    """
    longest = min(MAX_PART_SEC, (MAX_PART_BYTES - _HEADER_BYTES) / _MOST_BYTES_PER_SEC)
    spans = plan_parts(silences, duration_sec, longest)
    if spans and duration_sec <= MAX_PART_SEC and flac.stat().st_size <= MAX_PART_BYTES:
        return [AudioPart(name=flac.name, start=0, end=duration_sec)]
    parts = []
    for number, span in enumerate(spans):
        part = AudioPart(name=f"audio/{number:03}.flac", start=span.start, end=span.end)
        _write_part(flac, span, out / part.name)
        parts.append(part)
        tick(span.end / duration_sec)
    return parts


def plan_parts(silences: Sequence[TimeSpan], duration_sec: float, longest_sec: float) -> list[TimeSpan]:
    """Return spans of at most `longest_sec` that cover all audible stretches, in order of time, in whole ms.

    Silences of `SKIPPED_SEC` or more and those at both ends are skipped, except for half a second beside the sound. A
    stretch that is too long is cut in the middle of the longest silence in its last fifth. Without one it is cut at the
    limit, and the next span begins up to `OVERLAP_SEC` earlier, so that one of the two has the whole words at the cut.
    """
    overlap = min(OVERLAP_SEC, longest_sec / 4)
    parts = []
    for sound in _audible_spans(silences, duration_sec):
        start = sound.start
        while sound.end - start > longest_sec:
            limit = start + longest_sec
            pauses = [
                silence
                for silence in silences
                if silence.end < sound.end and limit - longest_sec * _CUT_ZONE < _middle(silence) <= limit
            ]
            cut = round(_middle(max(pauses, key=lambda pause: pause.end - pause.start)) if pauses else limit, 3)
            parts.append(TimeSpan(start=start, end=cut))
            start = cut if pauses else round(cut - overlap, 3)
        parts.append(TimeSpan(start=start, end=sound.end))
    return parts


def _audible_spans(silences: Sequence[TimeSpan], duration_sec: float) -> Iterator[TimeSpan]:
    """Yield the spans between skipped silences, with a margin on both sides."""
    start = 0.0
    for silence in silences:
        at_start, at_end = silence.start <= 0, silence.end >= duration_sec - _ROUNDING_SEC
        if at_start or at_end or silence.end - silence.start >= SKIPPED_SEC:
            if not at_start:
                yield TimeSpan(start=start, end=round(min(silence.start + _MARGIN_SEC, silence.end), 3))
            start = duration_sec if at_end else round(max(silence.end - _MARGIN_SEC, silence.start), 3)
    if start < duration_sec:
        yield TimeSpan(start=start, end=duration_sec)


def _middle(silence: TimeSpan) -> float:
    return (silence.start + silence.end) / 2


def _write_part(flac: Path, span: TimeSpan, target: Path) -> None:
    """Copy a span of a FLAC file into a new one."""
    target.parent.mkdir(exist_ok=True)
    write_flac(target, _read_samples(flac, round(span.start * SAMPLE_RATE), round(span.end * SAMPLE_RATE)))


def _read_samples(flac: Path, first: int, last: int) -> Iterator[NDArray[np.int16]]:
    """Yield the samples from `first` to before `last`, one row at a time."""
    with open_media(flac) as source:
        source.seek(round(first / SAMPLE_RATE * 1_000_000))  # to the frame that contains it
        for frame in source.decode(audio=0):
            begin = round((frame.time or 0) * SAMPLE_RATE)
            if begin >= last:
                return
            samples = frame.to_ndarray()[:, max(0, first - begin) : last - begin]
            if samples.size:
                yield np.ascontiguousarray(samples)
