"""Photo carousels: rendered as a video, so that all later stages process them like any video.

Each picture lasts up to 3 seconds, as large as it fits, with the post's music if there is any.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.media.container import DECODER_OPTIONS, MAX_PIXELS, MAX_SIDE, PROTOCOLS
from shared.media.file_type import sniff_media_type
from shared.progress import Tick, tick_within
from shared.settings import Settings
from shared.sources.video.http import fetch_file
from shared.sources.video.mux import mux_streams
from shared.sources.video.post import HeadersForUrl, PlatformPost
from shared.sources.video.source import FetchedFile

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

MAX_PICTURES = 35  # as many as TikTok allows; Instagram has 20
MAX_PICTURE_MB = 20
SECONDS_PER_PICTURE = 3.0
FPS = 5
LARGEST_SIZE = (1080, 1920)  # shorter and longer side
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
_DEMUXERS = "jpeg_pipe,png_pipe,webp_pipe"


def fetch_carousel(
    post: PlatformPost,
    folder: Path,
    settings: Settings,
    tick: Tick,
    max_duration_sec: float,
    headers: HeadersForUrl,
    notes: list[str],
) -> FetchedFile:
    """Fetch the pictures of a post and its music, and render them as a video in `folder`.

    Skips pictures that cannot be fetched or decoded, and adds a note about them to `notes`.

    Raises:
        PermanentError: `source_no_video` if none of the pictures can be used.
        TransientError: The first transient error, if no picture could be fetched; `source_slow`.
    """
    links = post.pictures[:MAX_PICTURES]
    picture_settings = replace(settings, max_file_size_mb=min(MAX_PICTURE_MB, settings.max_file_size_mb))
    deadline = time.monotonic() + settings.download_timeout_sec
    pictures, failures = [], list[ClipwiseError]()
    for number, link in enumerate(links):
        remaining_sec = deadline - time.monotonic()
        if remaining_sec <= 0:
            raise TransientError(
                "source_slow", "The pictures of the post could not be fetched in time. Try again later."
            )
        picture_tick = tick_within(tick, 0.7 * number / len(links), 0.7 * (number + 1) / len(links))
        path = folder / f"picture{number}"
        try:
            fetch_file(
                link,
                path,
                replace(picture_settings, download_timeout_sec=remaining_sec),
                picture_tick,
                headers=headers(link),
                check_type=_check_picture_type,
            )
            pictures.append(path)
        except ClipwiseError as error:
            failures.append(error)
    if not pictures:
        transient = next((error for error in failures if error.retryable), None)
        raise transient or PermanentError(
            "source_no_video", "None of the pictures in the post can be used. Upload a file instead."
        )
    path = folder / "pictures.mp4"
    picture_sec = min(SECONDS_PER_PICTURE, max_duration_sec / len(pictures))
    used_count, length = make_video(pictures, path, picture_sec, tick_within(tick, 0.7, 0.9))
    if used_count < len(post.pictures):
        notes.append(f"{used_count} of the post's {len(post.pictures)} pictures could be used.")
    path = _add_music(post, path, length, folder, settings, tick_within(tick, 0.9, 1), headers, notes)
    media_type = "video/mp4" if path.suffix == ".mp4" else "video/x-matroska"
    return FetchedFile(path, path.stat().st_size, media_type, links[0], path.name)


def make_video(pictures: list[Path], target: Path, picture_sec: float, tick: Tick) -> tuple[int, float]:
    """Render each picture for `picture_sec` at the size of the first one. Returns the picture count and the seconds.

    Skips pictures that cannot be decoded.

    Raises:
        PermanentError: `source_no_video` if none can be decoded.
    """
    import av

    frames_per_picture, frame_count = max(1, round(picture_sec * FPS)), 0
    with av.open(target, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = frames_per_picture
        for number, path in enumerate(pictures):
            tick(number / len(pictures), "Rendering a video from the images")
            picture = decode_picture(path)
            if picture is None:
                continue
            if not frame_count:
                stream.width, stream.height = size_within(picture.width, picture.height, LARGEST_SIZE)
            frame = fit_picture(picture, stream.width, stream.height)
            for _ in range(frames_per_picture):
                frame.pts, frame.time_base = frame_count, Fraction(1, FPS)
                output.mux(stream.encode(frame))
                frame_count += 1
        if not frame_count:
            raise PermanentError(
                "source_no_video", "None of the pictures in the post can be decoded. Upload a file instead."
            )
        output.mux(stream.encode(None))
    return frame_count // frames_per_picture, frame_count / FPS


def decode_picture(path: Path) -> VideoFrame | None:
    """Decode a picture; None if it is unreadable, or larger than `MAX_SIDE` or `MAX_PIXELS`.

    The size is checked before decoding.
    """
    import av

    # Opened by descriptor: the file name must not influence how FFmpeg reads the content.
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
    """Return the even size of a picture shrunk to at most `largest` (shorter, longer side); never enlarged."""
    scale = min(1.0, largest[0] / min(width, height), largest[1] / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def fit_picture(picture: VideoFrame, width: int, height: int) -> VideoFrame:
    """Scale a picture to fit, centered in a black frame."""
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


def _check_picture_type(head: bytes, filename: str | None) -> str:
    picture_type = sniff_media_type(head)
    if picture_type not in PICTURE_TYPES:
        raise PermanentError("unsupported_media", "The type of this picture is not supported. Use JPEG, PNG or WebP.")
    return picture_type


def _add_music(
    post: PlatformPost,
    video: Path,
    length: float,
    folder: Path,
    settings: Settings,
    tick: Tick,
    headers: HeadersForUrl,
    notes: list[str],
) -> Path:
    """Return the video with the post's music, cut at its end; without music if that cannot be used."""
    if post.sound is None:
        return video
    try:
        sound = fetch_file(post.sound, folder / "sound", settings, tick, headers=headers(post.sound)).path
        return mux_streams(video, sound, folder, until=length)
    except ClipwiseError as error:
        notes.append(f"The background music could not be used: {error.message}")
        return video
