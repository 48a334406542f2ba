"""Writing sound as speech recognition wants it: FLAC, mono, 16 kHz, 16 bits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.media.audio.silences import SAMPLE_RATE


def write_flac(target: Path, chunks: Iterable[NDArray[np.int16]]) -> None:
    """Write samples to `target`; each chunk is an array of shape (1, n)."""
    import av

    with av.open(str(target), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=SAMPLE_RATE, format="s16", layout="mono")
        for chunk in chunks:
            frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
