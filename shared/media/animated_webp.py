"""Convert an animated WebP to a video: FFmpeg's libraries read only still ones.

The format is described in RFC 9649: a `VP8X` chunk with flags and canvas size, then an `ANMF` chunk per frame.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.errors import PermanentError
from shared.media.container import MAX_PIXELS, MAX_SIDE, not_media_error
from shared.media.display import flatten
from shared.media.file_type import is_animated_webp

if TYPE_CHECKING:
    from shared.models.video import MediaInfo

_HEAD_BYTES = 30
_SLICE_BYTES = 64_000_000
_MOST_DECODINGS = 20_000
"""OpenCV decodes all frames before a slice again, so the work grows with the square of their number."""
_LEAST_MS, _DEFAULT_MS = 11, 100  # browsers show frames of up to 10 ms for 100 ms


def convert_animated_webp(path: Path, target: Path) -> Path:
    """Return a video with the frames of an animated WebP, written to `target`, or `path` if it is none.

    Raises:
        PermanentError: `too_large_picture`; `not_media` if it cannot be decoded.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if not is_animated_webp(head):
            return path
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            count = sum(name == b"ANMF" for name in _chunk_names(data))
    width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise PermanentError(
            "too_large_picture", f"The frames are {width} × {height} pixels. Send a smaller animation."
        )
    step = max(1, _SLICE_BYTES // (width * height * 4))
    most = min(count, math.isqrt(2 * step * _MOST_DECODINGS))
    _write_video(target, _decode_frames(path, step, most), width, height)
    return target


def describe_animation(info: MediaInfo, path: Path) -> MediaInfo:
    """Return the properties of an animated WebP from those of its video."""
    size = path.stat().st_size
    bit_rate = round(size * 8 / info.duration_sec) if info.duration_sec else None
    return info.model_copy(
        update={"container": "webp", "video_codec": "webp", "size_bytes": size, "bit_rate": bit_rate}
    )


def _chunk_names(data: mmap.mmap) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4]
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def _decode_frames(path: Path, step: int, most: int) -> Iterator[tuple[Any, int]]:
    """Yield frames, height × width × 3 or 4 in BGR, and their durations in milliseconds."""
    import cv2

    for start in range(0, most, step):
        is_read, animation = cv2.imreadanimation(str(path), start, min(step, most - start))
        if not is_read or not len(animation.frames):
            return
        yield from zip(animation.frames, np.asarray(animation.durations).ravel().tolist(), strict=False)


def _write_video(target: Path, frames: Iterator[tuple[Any, int]], width: int, height: int) -> None:
    import av

    clock = 0
    with av.open(str(target), "w", format="matroska") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "12", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv444p", 25
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        last: Any = None
        for pixels, duration in frames:
            form = "bgra" if pixels.shape[2] == 4 else "bgr24"
            last = flatten(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=form))
            last.pts, last.time_base = clock, Fraction(1, 1000)
            output.mux(stream.encode(last))
            clock += duration if duration >= _LEAST_MS else _DEFAULT_MS
        if last is None:
            raise not_media_error()
        last.pts = max(clock - 1, last.pts + 1)  # its length would else be unknown
        output.mux(stream.encode(last))
        output.mux(stream.encode())
