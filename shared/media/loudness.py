"""How loud a programme is, as ffmpeg's filter `ebur128` tells it."""

from __future__ import annotations

import re
from typing import IO

from shared.models.video import Loudness

# The least that counts as sound at all (ITU-R BS.1770's absolute gate), in LUFS.
ABSOLUTE_GATE = -70.0

_LINE_BYTES = 4096
_MEASURE = re.compile(rb"\s+(I|LRA|Peak):\s+(-?\d+(?:\.\d+)?) (?:LUFS|LU|dBFS)\s*")


def read_loudness(log: IO[bytes]) -> Loudness | None:
    """Read ffmpeg's log to its end for the summary of `ebur128`; None when there was nothing to be heard, or less than
    the 0.4 s that can be measured.

    However long the log is, one line of it is held at a time: a damaged file is complained of without end.
    """
    told: dict[bytes, float] = {}
    for line in iter(lambda: log.readline(_LINE_BYTES), b""):
        measure = _MEASURE.fullmatch(line)
        if measure:
            told[measure[1]] = float(measure[2])
    if told.keys() < {b"I", b"LRA", b"Peak"} or told[b"I"] <= ABSOLUTE_GATE:
        return None
    return Loudness(integrated_lufs=told[b"I"], range_lu=told[b"LRA"], true_peak_dbfs=told[b"Peak"])
