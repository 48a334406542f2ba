"""One picture that anyone may have sent: decoded within bounds, and fitted into a frame."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from shared.media.file.container import DECODER_OPTIONS, MAX_PIXELS, MAX_SIDE, PROTOCOLS

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_DEMUXERS = "jpeg_pipe,png_pipe,webp_pipe"


def decode_picture(path: Path) -> VideoFrame | None:
    """The picture; None when it cannot be read, or is larger than `MAX_SIDE` or `MAX_PIXELS`.

    Its size is known, and judged, before it is decoded.
    """
    import av

    # Opened by its descriptor, a file has no name that could make its content pass for something else.
    with open(os.open(path, os.O_RDONLY), "rb", buffering=0) as file:  # noqa: PTH123
        try:
            with av.open(
                file,
                mode="r",
                options=DECODER_OPTIONS,
                container_options={"protocol_whitelist": PROTOCOLS, "format_whitelist": _DEMUXERS},
            ) as container:
                stream = container.streams.video[0]
                if max(stream.width, stream.height) > MAX_SIDE or stream.width * stream.height > MAX_PIXELS:
                    return None
                return next(container.decode(stream), None)
        except (av.FFmpegError, IndexError):
            return None


def size_within(width: int, height: int, largest: tuple[int, int]) -> tuple[int, int]:
    """The even size of a picture shrunk to at most `largest` (shorter side, longer side); never made larger."""
    scale = min(1.0, largest[0] / min(width, height), largest[1] / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def fit_picture(picture: VideoFrame, width: int, height: int) -> VideoFrame:
    """The whole picture as large as it fits, in the middle of a black frame."""
    from av.filter import Graph

    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1)),
        graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"),
        graph.add("pad", f"{width}:{height}:-1:-1"),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ).configure()
    picture.pts = 0
    graph.vpush(picture)
    graph.vpush(None)
    return graph.vpull()
