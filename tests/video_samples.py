"""A small, sound video for tests that are about something else."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def plain_video(path: Path, seconds: int = 4, width: int = 320, height: int = 240) -> Path:
    """H.264 in MP4, 25 frames a second; each second has a colour of its own and a square that moves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * 25):
            picture = np.full((height, width, 3), (number // 25 * 60 % 256, 90, 140), np.uint8)
            left = number * 3 % (width - 40)
            picture[40:80, left : left + 40] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path
