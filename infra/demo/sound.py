"""The sound of the demo video: the steps spoken by espeak-ng where it is installed, else a soft bed of tones."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 22_050
"""Samples per second; what espeak-ng makes."""

Samples = NDArray[np.float32]
"""Mono, -1 to 1."""

CHORDS = ((261.63, 329.63, 392.00), (220.00, 261.63, 329.63), (174.61, 220.00, 261.63), (196.00, 246.94, 293.66))
"""C, A minor, F and G, in Hz."""


def soundtrack(cues: Sequence[tuple[float, str]], seconds: float) -> Samples:
    """Sound for `seconds`; each cue is a time and the words that are said from then on."""
    speaker = shutil.which("espeak-ng")
    return narration(speaker, cues, seconds) if speaker else tone_bed(seconds)


def narration(speaker: str, cues: Sequence[tuple[float, str]], seconds: float) -> Samples:
    """The cues spoken one after the other; one that is late because of the one before it waits for it."""
    track = np.zeros(round(seconds * RATE), np.float32)
    free = 0
    for time, words in cues:
        command = [speaker, "-v", "en", "-s", "190", "--stdout", words]
        speech = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
        with wave.open(io.BytesIO(speech)) as recording:
            # A header written to a pipe gives no true length: read what there is.
            samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16).astype(np.float32) / 32_768
        start = max(free, round(time * RATE))
        room = track[start : start + samples.size]
        room[:] = samples[: room.size]
        free = start + samples.size
    return track


def tone_bed(seconds: float) -> Samples:
    """Slow chords that swell and fade, two seconds each."""
    time = np.arange(round(seconds * RATE)) / RATE
    bar = (time / 2).astype(int) % len(CHORDS)
    swell = np.sin(np.pi * (time % 2) / 2) ** 2
    notes = np.sin(2 * np.pi * np.array(CHORDS)[bar].T * time).sum(axis=0)
    bed: Samples = (0.06 * swell * notes).astype(np.float32)
    return bed
