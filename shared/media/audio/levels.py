"""Silences and loudness of a whole programme.

ffmpeg's `silencedetect` needs a fixed threshold in decibels of full scale, and none suits both loud and quiet
recordings. So the levels are recorded while the audio is decoded, four bytes for every 20 ms, and the threshold is
derived at the end from the loudness of the programme and of its background.
"""

from __future__ import annotations

import re
from array import array
from typing import IO

import numpy as np
from numpy.typing import NDArray

from shared.media.audio.decoder import SAMPLE_RATE
from shared.models.video import Loudness, TimeSpan

PAUSE_SEC = 0.3
ABSOLUTE_GATE = -70.0  # LUFS; below it nothing counts as sound (ITU-R BS.1770)
MAX_INTERVALS = 120
_WINDOW = SAMPLE_RATE // 50
_PER_SEC = SAMPLE_RATE // _WINDOW
_FULL_SCALE = 32_768.0
_CLICK_SEC = 0.06  # shorter than any word
_BACKGROUND_PERCENT = 5
_ABOVE_BACKGROUND_DB = 6.0
_BELOW_PROGRAMME_DB = (-30.0, -15.9)
_LINE_BYTES = 4096
_SUMMARY, _BEGINNING = b" Summary:\n", b"Stream mapping:"
_MEASURE = re.compile(rb"\s+(I|LRA|Peak):\s+(-?\d+(?:\.\d+)?) (?:LUFS|LU|dBFS)\s*")


class AudioLevels:
    """The power of each 20 ms of audio, relative to full scale, without its DC offset."""

    def __init__(self) -> None:
        self._powers = array("f")
        self.samples = 0

    def add_samples(self, pcm: bytes) -> None:
        """Add samples: 16 bits, little-endian, mono, 16 kHz; whole windows of 20 ms except in the last call."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE
        self.samples += len(samples)
        window_samples = len(samples) // _WINDOW * _WINDOW
        windows = samples[:window_samples].reshape(-1, _WINDOW)
        self._powers.frombytes(windows.var(axis=1).tobytes())
        if window_samples < len(samples):
            self._powers.append(float(samples[window_samples:].var()))

    def curve(self) -> list[float]:
        """Return the mean level of at most MAX_INTERVALS equal intervals, in decibels of full scale, from -70 up."""
        powers = np.frombuffer(self._powers, np.float32).astype(np.float64)
        intervals = np.array_split(powers, min(MAX_INTERVALS, len(powers))) if len(powers) else []
        floor = _power_of_decibels(ABSOLUTE_GATE)
        return [round(float(10 * np.log10(max(interval.mean(), floor))), 1) for interval in intervals]

    def silences(self) -> list[TimeSpan]:
        """Return stretches of at least 0.3 s below the threshold (see `silence_threshold`), in order of time.

        A sound of at most 60 ms, such as a click, does not end a silence.
        """
        powers = np.frombuffer(self._powers, np.float32)
        quiet = powers < silence_threshold(powers)
        edges = np.flatnonzero(np.diff(quiet, prepend=False, append=False)) / _PER_SEC
        starts, ends = edges[::2], edges[1::2]
        apart = starts[1:] - ends[:-1] > _CLICK_SEC
        starts, ends = starts[np.append(True, apart)[: len(starts)]], ends[np.append(apart, True)[: len(ends)]]
        ends = np.minimum(ends, self.samples / SAMPLE_RATE)
        return [
            TimeSpan(start=round(start, 3), end=round(end, 3))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            if end - start >= PAUSE_SEC
        ]


def silence_threshold(powers: NDArray[np.float32]) -> float:
    """Return the power below which a window is silent, for the powers of a whole programme.

    It lies 6 dB above the background, so that the noise of a room or a street does not hide pauses. The background is
    the 5th percentile: even in speech without pauses, the closures of consonants take more than that. At most it lies
    15.9 dB below the programme, where speech begins (ITU-T P.56, method B), so that words over music are kept. At least
    it lies 30 dB below, where no voice is intelligible beside another one. The programme's level is the mean of the
    windows above two gates, as in ITU-R BS.1770: −70 dB, and 10 dB below the mean of the remaining windows.
    """
    gate = _power_of_decibels(ABSOLUTE_GATE)
    audible = powers[powers > gate].astype(np.float64)
    if not len(audible):
        return gate
    programme = float(audible[audible > audible.mean() / 10].mean())
    background = float(np.percentile(powers, _BACKGROUND_PERCENT))
    lowest, highest = (programme * _power_of_decibels(decibels) for decibels in _BELOW_PROGRAMME_DB)
    return max(gate, lowest, min(background * _power_of_decibels(_ABOVE_BACKGROUND_DB), highest))


def _power_of_decibels(decibels: float) -> float:
    return float(10 ** (decibels / 10))


def read_loudness_log(log: IO[bytes]) -> tuple[Loudness | None, int, str]:
    """Read a decoder's log to its end; return the loudness from the last summary of `ebur128`, the number of its
    summaries, and the last line.

    Loudness is None for silence and for less than 0.4 s. Only one line is in memory at a time, because a damaged file
    can cause endless warnings.
    """
    measures: dict[bytes, float] = {}
    summaries, last = 0, b""
    for line in iter(lambda: log.readline(_LINE_BYTES), b""):
        last = line if line.strip() else last
        # Some versions of the program set the filters up once before they decode.
        summaries = 0 if line.startswith(_BEGINNING) else summaries + line.endswith(_SUMMARY)
        measure = _MEASURE.fullmatch(line)
        if measure:
            measures[measure[1]] = float(measure[2])
    return _loudness(measures), summaries, last.decode(errors="replace").strip()


def _loudness(measures: dict[bytes, float]) -> Loudness | None:
    if measures.keys() < {b"I", b"LRA", b"Peak"} or measures[b"I"] <= ABSOLUTE_GATE:
        return None
    return Loudness(integrated_lufs=measures[b"I"], range_lu=measures[b"LRA"], true_peak_dbfs=measures[b"Peak"])
