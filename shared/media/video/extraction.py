"""Extract shots, thumbnail, key frames and samples of a video.

The packets are read a few times, which is cheap, and decoded about once at most: first the key frames alone, then the
stretches between them in which packet sizes or the key frames at both ends indicate a change.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from shared.media.container import truncated_file_error
from shared.media.images import THUMBNAIL_WIDTH, read_jpeg, resize, thumbnail_size, write_jpeg
from shared.media.video.cell_file import CellFile
from shared.media.video.decode_plan import plan_rest, plan_shots
from shared.media.video.frame_choice import (
    add_missing_shots,
    choose_frames,
    choose_key_frames,
    choose_samples,
    choose_thumbnail,
    frame_distance,
)
from shared.media.video.frames import FrameSampler, MeasuredFrame, Picture, SpanFrames
from shared.media.video.packets import THREADS, Frames, PacketIndex, PacketSpan, decode_spans, read_packet_index
from shared.media.video.picture_plan import plan_pictures
from shared.media.video.sample_plan import plan_samples
from shared.media.video.shots import find_shots
from shared.media.video.surge_scan import SCANNED_CODEC, plan_scan, without_flashes
from shared.models.media import MediaInfo
from shared.models.video import Frame, Shot

T = TypeVar("T")
F = TypeVar("F", bound=MeasuredFrame)
MAX_SAMPLES = 60
_SPARE_FRAMES = 4
_PLANS = 3
_STEPS = (0.0, 0.3, 0.65, 0.75, 0.8, 0.95, 0.98)  # of the progress, where the passes begin
_HUGE_PIXELS = 10_000_000  # a decoder keeps up to 17 pictures in memory
_SMALL_PIXELS = 20_000_000  # of all pictures together: threads that take turns would cost more than they bring


@dataclass(frozen=True)
class FrameSet:
    """The shots and frames of a video; the files are below the output folder.

    Attributes:
        thumbnail: `thumbnail.jpg`, 320 pixels wide, the frame at 10 % of the duration or, if it is black or nearly so,
            the nearest bright and sharp one; None without pictures.
        shots: From the start to the end of the video, without gaps.
        frames: Key frames `frames/01.jpg` and so on, in order of time.
        samples: Frames for reading on-screen text, `samples/001.jpg` and so on, in order of time.
        notes: Remarks, e.g. that a part of the pictures could not be decoded.
    """

    thumbnail: Frame | None
    shots: list[Shot]
    frames: list[Frame]
    samples: list[Frame]
    notes: list[str] = field(default_factory=list)


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
    with TemporaryDirectory(dir=out) as folder, CellFile(Path(folder) / "cells") as cells:
        sampler = FrameSampler(packets, info, Path(folder), cells)
        pixels = info.width * info.height
        decoders = 1 if pixels > _HUGE_PIXELS or pixels * len(packets.time) < _SMALL_PIXELS else THREADS
        track = info.video_track

        def decode(
            spans: Sequence[PacketSpan], work: Callable[[PacketSpan, Frames], T], step: int, *, is_rendered: bool
        ) -> list[T]:
            since, until = _STEPS[step : step + 2]
            return decode_spans(
                path,
                track,
                spans,
                work,
                lambda done: tick(since + (until - since) * done),
                decoders,
                is_rendered=is_rendered,
            )

        scanned = decode(plan_scan(packets, info.video_codec), sampler.scan_span, 0, is_rendered=False)
        keys = {number: group.key for number, group in enumerate(scanned) if group.key is not None}
        scan = without_flashes(
            {number: group.frames for number, group in enumerate(scanned) if info.video_codec == SCANNED_CODEC}
        )

        plan = plan_shots(packets, keys, scan)
        if samples:
            plan_samples(plan, packets, keys, MAX_SAMPLES)
            sampler.sample_step = plan.sample_step
        span_frames: dict[int, SpanFrames] = {}
        rest = plan
        for step in range(1, 1 + _PLANS):
            spans = rest.spans(groups)
            measured = decode([*spans.values()], sampler.measure_span, step, is_rendered=samples)
            span_frames.update(zip(spans, measured, strict=True))
            group_frames = {number: span_frames[number].frames for number in sorted(span_frames)}
            if step < _PLANS:
                rest = plan_rest(plan, packets, keys, scan, group_frames)
        shots = find_shots(groups, keys, scan, group_frames, plan, info.duration_sec)

        exact = _sort_by_time([*keys.values(), *(frame for group in group_frames.values() for frame in group)])
        frames = add_missing_shots(exact, _sort_by_time(frame for group in scan.values() for frame in group), shots)
        chosen = choose_frames(frames, shots, max_frames + _SPARE_FRAMES, distance=frame_distance)
        text = (
            [*keys.values(), *(sample for span in span_frames.values() for sample in span.samples)] if samples else []
        )
        readable = choose_samples(_sort_by_time(text), MAX_SAMPLES)
        targets = plan_pictures(packets, frames, chosen, shots, scan)
        others = [frozenset({sample.ordinal}) for sample in readable if not sampler.picture_path(sample).exists()]
        others.append(frozenset({sampler.thumbnail_ordinal}))

        def store(sets: Sequence[frozenset[int]], step: int) -> list[Picture]:
            wanted = _group_targets(packets, sets)
            spans = [
                PacketSpan(start, 1 + max(max(t) for t in of), frozenset().union(*of)) for start, of in wanted.items()
            ]
            stored = decode(
                spans,
                lambda span, frames: sampler.store_sharpest(wanted[span.start], span, frames),
                step,
                is_rendered=True,
            )
            return [picture for span in stored for picture in span]

        pictures = _sort_by_time(store([*targets[:max_frames], *others], 1 + _PLANS))
        key_frames = _choose_presentable(pictures, targets, shots, max_frames)
        if len(key_frames) < max_frames and len(targets) > max_frames:
            pictures = _sort_by_time([*pictures, *store(targets[max_frames:], 2 + _PLANS)])
            key_frames = _choose_presentable(pictures, targets, shots, max_frames)
        if not pictures:
            raise truncated_file_error()
        result = FrameSet(
            thumbnail=_write_thumbnail(sampler, pictures, out),
            shots=shots,
            frames=_publish_frames(sampler, key_frames, out, "frames/{:02}.jpg"),
            samples=_publish_frames(
                sampler, [s for s in readable if sampler.picture_path(s).exists()], out, "samples/{:03}.jpg"
            ),
            notes=_describe_damage(len(groups), [*keys.values()]),
        )
    tick(1.0)
    return result


def _choose_presentable(
    pictures: Sequence[Picture], targets: Sequence[frozenset[int]], shots: Sequence[Shot], most: int
) -> list[Picture]:
    """Choose the key frames among the pictures of `targets`, or among all if none of these could be decoded."""
    presentable = frozenset().union(*targets)
    presented = [picture for picture in pictures if picture.ordinal in presentable] or pictures
    return choose_key_frames(presented, shots, most)


def _describe_damage(groups: int, keys: Sequence[Picture]) -> list[str]:
    """Return a remark if the file is damaged where key frames are, as far as a decoder notices it."""
    damaged = groups - len(keys) + sum(key.sharpness == 0.0 and key.luma.any() for key in keys)
    return [f"The file is damaged: {damaged} of {groups} parts of its pictures cannot be decoded."] if damaged else []


def _group_targets(packets: PacketIndex, targets: Iterable[frozenset[int]]) -> dict[int, list[frozenset[int]]]:
    """Return the targets by the first ordinal of their group, in order."""
    by_group: dict[int, list[frozenset[int]]] = {}
    for target in sorted(set(targets), key=min):
        group = packets.groups[packets.group_number(min(target))]
        by_group.setdefault(group.start, []).append(target)
    return by_group


def _sort_by_time(frames: Iterable[F]) -> list[F]:
    """Return each frame once, by time."""
    return sorted({frame.ordinal: frame for frame in frames}.values(), key=lambda frame: frame.time)


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
