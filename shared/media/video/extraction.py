"""Extract shots, thumbnail, key frames and samples of a video.

The packets are read a few times, which is cheap, and decoded about once at most: first the key frames alone, then the
stretches between them in which packet sizes or the key frames at both ends indicate a change.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.media.container import truncated_file_error
from shared.media.images import THUMBNAIL_WIDTH, read_jpeg, resize, thumbnail_size, write_jpeg
from shared.media.video.decode_plan import plan_samples, plan_shots
from shared.media.video.frame_choice import choose_key_frames, choose_samples, choose_thumbnail
from shared.media.video.frames import FrameSampler, Picture
from shared.media.video.packets import THREADS, PacketSpan, decode_spans, read_packet_index
from shared.media.video.shots import find_shots
from shared.models.video import Frame, MediaInfo, Shot

MAX_SAMPLES = 60
_KEYS_SHARE, _REST_SHARE = 0.35, 0.6
_HUGE_PIXELS = 10_000_000  # a decoder keeps up to 17 pictures in memory


@dataclass(frozen=True)
class FrameSet:
    """The shots and frames of a video; the files are below the output folder.

    Attributes:
        thumbnail: `thumbnail.jpg`, 320 pixels wide, the frame at 10 % of the duration or, if it is black or nearly so,
            the nearest bright and sharp one; None without pictures.
        shots: From the start to the end of the video, without gaps.
        frames: Key frames `frames/01.jpg` and so on, in order of time.
        samples: Frames for reading on-screen text, `samples/001.jpg` and so on, in order of time.
    """

    thumbnail: Frame | None
    shots: list[Shot]
    frames: list[Frame]
    samples: list[Frame]


def extract_frames(
    path: Path, info: MediaInfo, out: Path, *, max_frames: int = 12, samples: bool, tick: Callable[[float], None]
) -> FrameSet:
    """Find the shots of a video, and write its thumbnail, key frames and, if `samples`, samples as JPEG below `out`.

    `info` is the result of `probe`. `tick` receives the fraction done, several times a second; an exception from it
    stops the work and closes everything. The same file always gives the same result.

    Raises:
        PermanentError: `truncated` when no picture can be decoded.
    """
    if info.video_track is None:
        return FrameSet(None, [], [], [])
    packets = read_packet_index(path, info)
    groups = packets.groups
    if not groups:
        raise truncated_file_error()
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as folder:
        sampler = FrameSampler(packets, info, Path(folder))
        decoders = 1 if info.width * info.height > _HUGE_PIXELS else THREADS
        starts = [PacketSpan(group.start, group.start + 1) for group in groups]
        key_pictures = decode_spans(
            path, info.video_track, starts, sampler.sample_key_frame, lambda done: tick(_KEYS_SHARE * done), decoders
        )
        keys = {number: key for number, key in enumerate(key_pictures) if key is not None}

        plan = plan_shots(packets, keys)
        plan.include_frame(groups, sampler.thumbnail_ordinal)
        if samples:
            plan_samples(plan, packets, keys, MAX_SAMPLES)
            sampler.sample_step = plan.sample_step
        spans = plan.spans(groups)
        span_frames = decode_spans(
            path,
            info.video_track,
            [*spans.values()],
            sampler.sample_span,
            lambda done: tick(_KEYS_SHARE + _REST_SHARE * done),
            decoders,
        )
        fingerprints = {number: frames.fingerprints for number, frames in zip(spans, span_frames, strict=True)}
        shots = find_shots(groups, keys, fingerprints, plan, info.duration_sec)

        stored_keys = [key for key in keys.values() if sampler.is_stored(key)]
        pictures = _sort_by_time([*stored_keys, *(picture for frames in span_frames for picture in frames.pictures)])
        readable = _sort_by_time([*stored_keys, *(picture for frames in span_frames for picture in frames.samples)])
        if not pictures:
            raise truncated_file_error()
        result = FrameSet(
            thumbnail=_write_thumbnail(sampler, pictures, out),
            shots=shots,
            frames=_publish_frames(sampler, choose_key_frames(pictures, shots, max_frames), out, "frames/{:02}.jpg"),
            samples=_publish_frames(
                sampler, choose_samples(readable, MAX_SAMPLES) if samples else [], out, "samples/{:03}.jpg"
            ),
        )
    tick(1.0)
    return result


def _sort_by_time(pictures: Iterable[Picture]) -> list[Picture]:
    """Return each picture once, by time."""
    return sorted({picture.ordinal: picture for picture in pictures}.values(), key=lambda picture: picture.time)


def _publish_frames(sampler: FrameSampler, pictures: Sequence[Picture], out: Path, name: str) -> list[Frame]:
    """Copy stored pictures to the output folder, numbered from 1 by `name`."""
    frames = []
    for number, picture in enumerate(pictures, start=1):
        target = out / name.format(number)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(sampler.picture_path(picture), target)
        width, height = picture.size
        time, sharpness = round(picture.time, 3), round(picture.sharpness, 1)
        frames.append(Frame(name=name.format(number), time=time, width=width, height=height, sharpness=sharpness))
    return frames


def _write_thumbnail(sampler: FrameSampler, pictures: Sequence[Picture], out: Path) -> Frame:
    """Write the thumbnail; if its frame cannot be decoded or is dark, from the nearest presentable picture."""
    time, target = sampler.thumbnail_time, out / "thumbnail.jpg"
    substitute = choose_thumbnail(sampler.thumbnail_picture, pictures, time)
    if substitute is None:
        shutil.copyfile(sampler.thumbnail_path, target)
    else:
        time = substitute.time
        write_jpeg(resize(read_jpeg(sampler.picture_path(substitute)), thumbnail_size(*substitute.size)), target)
    return Frame(name=target.name, time=round(time, 3), width=THUMBNAIL_WIDTH, height=read_jpeg(target).shape[0])
