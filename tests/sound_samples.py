"""Makes sounds that tests need, in which it is known when somebody speaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.media_samples import ffmpeg, written

Sound = np.ndarray[Any, Any]
"""Mono samples from −1 to 1, float64."""

SOUND_RATE = 48_000


def speech(
    spans: Sequence[tuple[float, float]], seconds: float, *, level_db: float = -20, noise_db: float | None = None
) -> Sound:
    """What sounds like speech to a level meter: four syllables a second of a voice at 120 Hz, in the spans (seconds).

    `level_db` is the voice's in decibels of full scale; `noise_db` that of a hiss which goes through all of it.
    """
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    voice: Sound = sum((np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 20)), np.zeros(1))
    voice *= np.maximum(np.sin(2 * np.pi * 2 * time) ** 2, 0.02)
    speaking = np.zeros(len(time), bool)
    for start, end in spans:
        speaking[round(start * SOUND_RATE) : round(end * SOUND_RATE)] = True
    voice *= speaking * 10 ** (level_db / 20) / np.sqrt(np.mean(voice**2))
    if noise_db is not None:
        voice += np.random.default_rng(1).normal(0, 10 ** (noise_db / 20), len(time))
    return voice


def sound(path: Path, samples: Sound, *options: str) -> Path:
    """A file of mono samples from −1 to 1; its format follows from the suffix or the options."""
    raw = written(path.with_suffix(".raw"), samples.astype("<f4").tobytes())
    return ffmpeg(path, "-f", "f32le", "-ar", str(SOUND_RATE), "-ac", "1", "-i", raw, *options)
