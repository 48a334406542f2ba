"""Where there is nothing to hear, from the levels of a whole programme.

ffmpeg's `silencedetect` wants its threshold beforehand, in decibels of full scale: what is a pause beside a loud voice
is all there is of a quiet recording, and no fixed number suits both. So the levels are written down while the sound
goes by, four bytes for every 20 ms, and judged in the end, when it is known how loud the programme is and its
background.
"""

from __future__ import annotations

import re
from array import array
from typing import IO

import numpy as np
from numpy.typing import NDArray

from shared.models.video import Loudness, TimeSpan

# The least that counts as sound at all (ITU-R BS.1770's absolute gate), in LUFS.
ABSOLUTE_GATE = -70.0
_LINE_BYTES = 4096
_MEASURE = re.compile(rb"\s+(I|LRA|Peak):\s+(-?\d+(?:\.\d+)?) (?:LUFS|LU|dBFS)\s*")


def read_loudness_log(log: IO[bytes]) -> tuple[Loudness | None, str]:
    """Read a decoder's log to its end: the summary of `ebur128`, and the last line.

    Loudness is None for silence, and for less than the 0.4 s that can be measured. However long the log is, one line of
    it is held at a time: a damaged file can cause endless warnings.
    """
    measures: dict[bytes, float] = {}
    last = b""
    for line in iter(lambda: log.readline(_LINE_BYTES), b""):
        last = line if line.strip() else last
        measure = _MEASURE.fullmatch(line)
        if measure:
            measures[measure[1]] = float(measure[2])
    return _loudness(measures), last.decode(errors="replace").strip()


def _loudness(measures: dict[bytes, float]) -> Loudness | None:
    if measures.keys() < {b"I", b"LRA", b"Peak"} or measures[b"I"] <= ABSOLUTE_GATE:
        return None
    return Loudness(integrated_lufs=measures[b"I"], range_lu=measures[b"LRA"], true_peak_dbfs=measures[b"Peak"])


SAMPLE_RATE = 16_000
PAUSE_SEC = 0.3
_WINDOW = SAMPLE_RATE // 50
_PER_SEC = SAMPLE_RATE // _WINDOW
_FULL_SCALE = 32_768.0
_CLICK_SEC = 0.06  # no word is that short
_BACKGROUND_PERCENT = 5
_ABOVE_BACKGROUND_DB = 6.0
_BELOW_PROGRAMME_DB = (-30.0, -15.9)


class AudioLevels:
    """The power of each 20 ms of a sound, relative to full scale, without its direct current."""

    def __init__(self) -> None:
        self._powers = array("f")
        self.samples = 0

    def add_samples(self, pcm: bytes) -> None:
        """The next samples: 16 bits, little-endian, mono, 16 kHz; whole windows of 20 ms but for the last call."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE
        self.samples += len(samples)
        window_samples = len(samples) // _WINDOW * _WINDOW
        windows = samples[:window_samples].reshape(-1, _WINDOW)
        self._powers.frombytes(windows.var(axis=1).tobytes())
        if window_samples < len(samples):
            self._powers.append(float(samples[window_samples:].var()))

    def silences(self) -> list[TimeSpan]:
        """Stretches of at least 0.3 s below the threshold (see `silence_threshold`), in order of time.

        A sound in between that is shorter than any word, such as a click, does not end a silence.
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
    """The power below which there is nothing to hear, for the powers of a whole programme.

    It lies 6 dB above the background (the level that only one window in twenty stays below: even in speech without
    pauses, the closures of consonants take more), so that the noise of a room or a street does not hide pauses. But
    never more than 15.9 dB below the programme, where speech is held to begin (ITU-T P.56, method B), so that words
    over music are not lost; nor less than 30 dB below it, beyond which no voice can be followed beside another one.
    The programme's level is the mean of what two gates let through, as in ITU-R BS.1770: −70 dB, and 10 dB below the
    mean of the rest.
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
