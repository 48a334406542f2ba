"""Folders of small clips with different contents."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.video_samples import plain_video


def write_clips(folder: Path, count: int) -> list[Path]:
    """Write `count` clips of one second that differ in a box that players skip."""
    folder.mkdir(parents=True, exist_ok=True)
    content = plain_video(folder.parent / "clip.mp4", seconds=1, width=160, height=120).read_bytes()
    paths = [folder / f"clip-{number:03}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(content + struct.pack(">I4sI", 12, b"free", number))
    return paths
