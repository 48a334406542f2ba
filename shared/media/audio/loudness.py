"""How loud a programme is, as ffmpeg's filter `ebur128` tells it."""

from __future__ import annotations

import re
from typing import IO

from shared.models.video import Loudness

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
