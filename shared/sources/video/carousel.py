"""Photo carousels: the pictures become a video, so that everything after the download is as for any video.

Each picture is shown for some seconds, as large as it fits, with the post's music behind them if there is some.
"""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.media.file.file_type import sniff
from shared.progress import Tick, tick_within
from shared.settings import Settings
from shared.sources.video.fetched import Fetched
from shared.sources.video.http import fetch
from shared.sources.video.post import Headers, Post

MAX_PICTURES = 35  # as many as TikTok allows; Instagram has 20
MAX_PICTURE_MB = 20
SHOWN_SEC = 3.0
FPS = 5
LARGEST = (1080, 1920)  # shorter and longer side
KINDS = ("image/jpeg", "image/png", "image/webp")


def fetch_carousel(
    post: Post, folder: Path, settings: Settings, tick: Tick, longest_sec: float, headers: Headers, notes: list[str]
) -> Fetched:
    """Fetch the pictures of a post and its music, and make a video of them in `folder`.

    Pictures that cannot be had are left out, and `notes` says so.

    Raises:
        PermanentError: `source_no_video` when none of the pictures can be used.
        TransientError: The failure of the first picture, when none came for reasons that pass; `source_slow`.
    """
    links = post.pictures[:MAX_PICTURES]
    small = replace(settings, max_file_size_mb=min(MAX_PICTURE_MB, settings.max_file_size_mb))
    deadline = time.monotonic() + settings.download_timeout_sec
    pictures, failures = [], list[ClipwiseError]()
    for number, link in enumerate(links):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TransientError(
                "source_slow", "The pictures of the post could not be fetched in time. Try again later."
            )
        pulse = tick_within(tick, 0.7 * number / len(links), 0.7 * (number + 1) / len(links))
        path = folder / f"picture{number}"
        try:
            fetch(link, path, replace(small, download_timeout_sec=left), pulse, headers=headers(link), judge=_judge)
            pictures.append(path)
        except ClipwiseError as error:
            failures.append(error)
    if not pictures:
        transient = next((error for error in failures if error.retryable), None)
        raise transient or PermanentError(
            "source_no_video", "None of the pictures in the post can be used. Upload a file instead."
        )
    path = folder / "pictures.mp4"
    shown_sec = min(SHOWN_SEC, longest_sec / len(pictures))
    used, length = make_video(pictures, path, shown_sec, tick_within(tick, 0.7, 0.9))
    if used < len(post.pictures):
        notes.append(f"{used} of the post's {len(post.pictures)} pictures could be used.")
    path = _with_music(post, path, length, folder, settings, tick_within(tick, 0.9, 1), headers, notes)
    media_type = "video/mp4" if path.suffix == ".mp4" else "video/x-matroska"
    return Fetched(path, path.stat().st_size, media_type, links[0], path.name)


def make_video(pictures: list[Path], into: Path, shown_sec: float, tick: Tick) -> tuple[int, float]:
    """Show each picture for `shown_sec`, all at the size of the first.

    Pictures that cannot be decoded are left out. Gives how many are in it, and the seconds of the whole.

    Raises:
        PermanentError: `source_no_video` when none can be decoded.
    """
    import av

    from shared.sources.video.still import decode, fit, size_within

    each, shown = max(1, round(shown_sec * FPS)), 0
    with av.open(into, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = each
        for number, path in enumerate(pictures):
            tick(number / len(pictures), "Rendering a video from the images")
            picture = decode(path)
            if picture is None:
                continue
            if not shown:
                stream.width, stream.height = size_within(picture.width, picture.height, LARGEST)
            frame = fit(picture, stream.width, stream.height)
            for _ in range(each):
                frame.pts, frame.time_base = shown, Fraction(1, FPS)
                out.mux(stream.encode(frame))
                shown += 1
        if not shown:
            raise PermanentError(
                "source_no_video", "None of the pictures in the post can be decoded. Upload a file instead."
            )
        out.mux(stream.encode(None))
    return shown // each, shown / FPS


def _judge(head: bytes, filename: str | None) -> str:
    kind = sniff(head)
    if kind not in KINDS:
        raise PermanentError("unsupported_media", "The type of this picture is not supported. Use JPEG, PNG or WebP.")
    return kind


def _with_music(
    post: Post,
    video: Path,
    length: float,
    folder: Path,
    settings: Settings,
    tick: Tick,
    headers: Headers,
    notes: list[str],
) -> Path:
    """The same video with the post's music until its end; pictures without music are better than no pictures."""
    if post.sound is None:
        return video
    from shared.sources.video.join import join

    try:
        sound = fetch(post.sound, folder / "sound", settings, tick, headers=headers(post.sound)).path
        return join(video, sound, folder, until=length)
    except ClipwiseError as error:
        notes.append(f"The background music could not be used: {error.message}")
        return video
