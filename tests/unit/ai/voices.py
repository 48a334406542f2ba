"""Sounds to listen to: something that a voice detector takes for a voice, and silence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 16_000
VOWELS = ((700, 1200, 2500), (300, 2300, 3000), (500, 900, 2400))
"""Formants in Hz."""
BANDWIDTHS = (90, 110, 170)


def silence(seconds: float) -> Any:
    return np.zeros(round(seconds * RATE))


def voice(seconds: float) -> Any:
    """Three vowels in turn, four syllables a second: pulses at the pitch of a man's voice through resonances."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 3 * time)
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0)
    said = np.zeros(len(time))
    for number, formants in enumerate(VOWELS):
        vowel = pulses
        for frequency, bandwidth in zip(formants, BANDWIDTHS, strict=True):
            vowel = np.convolve(vowel, resonance(frequency, bandwidth))[: len(time)]
        loudness = np.maximum(0, np.sin(2 * np.pi * (4 / 3 * time + number / 3)))
        said += loudness * vowel / np.abs(vowel).max()
    return said / np.abs(said).max() / 2


def resonance(frequency: float, bandwidth: float) -> Any:
    """Impulse response of a formant."""
    time = np.arange(RATE // 40) / RATE
    return np.exp(-np.pi * bandwidth * time) * np.sin(2 * np.pi * frequency * time)


def write_flac(path: Path, samples: Any) -> Path:
    """Mono, 16 kHz."""
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32_767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path
