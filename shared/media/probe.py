"""Probe a media file: read its packets and decode one frame of each stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import PermanentError
from shared.media.audio.track_content import sample_contents
from shared.media.closed_captions import CODEC, CaptionScan
from shared.media.container import (
    MAX_PIXELS,
    MAX_SIDE,
    not_media_error,
    open_media,
    oversize_dimensions,
    pixel_aspect,
    read_packets,
    truncated_file_error,
    unplayable_error,
)
from shared.media.declared_picture import DeclaredPicture, read_declared_picture
from shared.media.display import DOLBY_IPT, Display, orientation
from shared.media.encryption import encrypted_media_error, is_encrypted_file, is_encrypted_packet, is_encrypted_stream
from shared.media.file_tags import read_chapters, read_tags
from shared.media.hidden_frames import is_hidden_frame
from shared.media.images import HIGH_RANGE
from shared.media.subtitles import list_subtitles
from shared.media.timeline import ClockReader, Timeline
from shared.media.tracks import (
    TrackPreferences,
    audio_tracks,
    choose_video,
    follow_tracks,
    named_tracks,
    rank_audio,
    selection_notes,
    video_streams,
)
from shared.models.job import NO_TRACK
from shared.models.media import AudioContent, MediaInfo, SoundTrack, SubtitleTrack
from shared.settings import Settings

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_DECODE_TRIES = 600
_UNEVEN, _UNEVEN_SHARE, _GLITCH_STEPS = 0.1, 0.02, 2
_ANIMATIONS = ("gif", "apng")  # of one frame, they are pictures
_REPEATING = "avi"  # a tick without a packet is a dropped frame: the one before it is shown again
_EXACT_HEADERS = ("mov", "matroska", "avi")
_ROUNDING_SEC = 0.1
_IN_MINUTES_SEC = 600
_MOST_FPS = 1000
_MISSING_SEC, _MISSING_SHARE = 0.5, 0.02


def probe(path: Path, wanted: TrackPreferences | None = None) -> MediaInfo:
    """Read a whole file, decoding only its first frames, and choose its tracks.

    Times come from the packets, sizes and colours from a decoded frame, because headers may be missing or wrong. Of a
    damaged file only the playable part counts, and `warnings` state what is missing.

    Raises:
        PermanentError: `empty_file`; `not_media` for text, web pages, images and playlists; `no_streams` without
            video and audio; `no_such_track`; `too_large_picture`; `zero_length`; `encrypted_media`; `truncated` when
            nothing can be decoded.
    """
    wanted = wanted or TrackPreferences()
    with open_media(path) as container:
        videos, audio = video_streams(container), audio_tracks(container)
        if not videos and not audio:
            raise PermanentError("no_streams", "The file has neither video nor audio. Send a video or audio file.")
        for stream in videos:
            _check_size(stream.width, stream.height)
        scans, clock = _scan_packets(container, [*videos, *(s for s in container.streams.audio if s.codec_context)])
        video = choose_video(videos, {index: scan.frames for index, scan in scans.items()})
        picture = scans[video.index] if video else _StreamScan(None)
        if picture.packets and picture.first is None:
            _check_size(*(oversize_dimensions(path) or (0, 0)))
        _check_content(path, container, scans.values())
        if container.format.name in _ANIMATIONS and picture.frames < 2:
            raise not_media_error()
        audio, notes = _select_audio(path, audio, scans, clock, wanted)
        sounds = sorted((track for track in audio if track.index in scans), key=lambda track: not track.selected)
        sound = scans[sounds[0].index] if sounds else _StreamScan(None)
        subtitles, unread = list_subtitles(container, path)
        if video and picture.captions.has_608:
            subtitles.append(SubtitleTrack(index=video.index, codec=CODEC))
        elif picture.captions.has_708:
            unread.append("cea_708")
        notes += [f"unread subtitles: {', '.join(unread)}"] if unread else []
        info = MediaInfo(
            container=container.format.name,
            size_bytes=path.stat().st_size,
            duration_sec=0,
            has_video=picture.first is not None,
            has_audio=sound.first is not None,
            video_track=video.index if video and picture.first is not None else None,
            audio_tracks=audio,
            subtitles=subtitles,
            tags=read_tags(container),
        )
        if wanted.subtitles not in (None, NO_TRACK):
            named_tracks(info.subtitles, wanted.subtitles, "subtitle")  # raises before any work is done
        timeline = clock.finish(info.timed_tracks)
        declared = read_declared_picture(path, video.index, video.id) if video else DeclaredPicture()
        if info.has_video and declared.dolby_profile == DOLBY_IPT:
            notes.append("approximate colors: the scene data of Dolby Vision were not applied")
        facts = {
            "duration_sec": round(timeline.end, 3),
            "bit_rate": round(info.size_bytes * 8 / timeline.end) if timeline.end > 0 else None,
            "clock_start": timeline.start,
            "chapters": read_chapters(container, timeline.start, timeline.end),
            "clock_resets": timeline.resets,
            "stray_packets": timeline.strays,
            "warnings": _warnings(container, picture, sound, timeline) + notes,
            **_video_facts(video, picture, timeline, declared, container.format.name == _REPEATING),
            **_audio_facts(sound, info, timeline),
        }
        return info.model_copy(update=facts)


def _scan_packets(
    container: InputContainer, streams: Sequence[VideoStream | AudioStream]
) -> tuple[dict[int, _StreamScan], ClockReader]:
    scans = {stream.index: _StreamScan(stream) for stream in streams}
    codecs = {stream.index: stream.codec_context.codec.canonical_name for stream in streams}
    clock = ClockReader(container)
    for packet in read_packets(container, *streams):
        is_hidden = is_hidden_frame(codecs[packet.stream_index], memoryview(packet))
        scans[packet.stream_index].add_packet(packet, is_hidden)
        clock.add_packet(packet, is_hidden)
    for scan in scans.values():
        scan.finish()
    return scans, clock


def _check_content(path: Path, container: InputContainer, scans: Iterable[_StreamScan]) -> None:
    """Raises PermanentError `zero_length` or `truncated` if no stream can be played."""
    if any(scan.first is not None for scan in scans):
        return
    if any(scan.is_encrypted for scan in scans) or is_encrypted_file(path):
        raise encrypted_media_error()
    if any(scan.packets for scan in scans):
        raise unplayable_error(path)
    has_content = container.duration or any(stream.frames for stream in container.streams)
    raise (
        truncated_file_error()
        if has_content
        else PermanentError("zero_length", "The file has no content. Send it again.")
    )


def _select_audio(
    path: Path,
    tracks: Sequence[SoundTrack],
    scans: Mapping[int, _StreamScan],
    clock: ClockReader,
    wanted: TrackPreferences,
) -> tuple[list[SoundTrack], list[str]]:
    """Mark the audio tracks to use; also return a note if that is not the one that a player would play."""
    readable = [track.index for track in tracks if track.index in scans and scans[track.index].first is not None]
    timeline = clock.finish([*scans])
    contents: dict[int, AudioContent] = {track.index: "unreadable" for track in tracks if track.index not in readable}
    if len(tracks) > 1:
        contents |= sample_contents(path, readable, timeline)
    sampled = [track.model_copy(update={"content": contents.get(track.index)}) for track in tracks]
    ranked = rank_audio(sampled, wanted)
    chosen = [track.index for track in follow_tracks(ranked, timeline) if track.index in readable]
    return (
        [track.model_copy(update={"selected": track.index in chosen}) for track in sampled],
        selection_notes(ranked, sampled, wanted) if chosen else [],
    )


def check_limits(info: MediaInfo, settings: Settings, needs_video: bool) -> None:
    """Raises PermanentError `too_large`, `too_long`, `too_many_frames` or `no_video_stream`, naming the limit.

    A file of which only the audio is used may be longer than one whose frames are analyzed.
    """
    if info.size_bytes > settings.max_file_bytes:
        raise PermanentError(
            "too_large", f"The file is larger than {settings.max_file_size_mb} MB. Send a smaller one."
        )
    longest = settings.max_video_duration_sec if needs_video else settings.max_speech_duration_sec
    if info.duration_sec > longest + _ROUNDING_SEC:
        subject = "video" if info.has_video else "recording"
        limit = f"{longest:g} seconds" if longest < _IN_MINUTES_SEC else f"{longest / 60:g} minutes"
        raise PermanentError("too_long", f"The {subject} is longer than {limit}. Send a shorter one.")
    if (info.fps or 0) > _MOST_FPS:
        raise PermanentError(
            "too_many_frames",
            f"The video has more than {_MOST_FPS} frames per second. Send one with a lower frame rate.",
        )
    if needs_video and not info.has_video:
        raise PermanentError("no_video_stream", "The file has only audio. Send a video.")


class _StreamScan:
    """Number and damage of one stream's packets, and its first frame; stays empty without a stream."""

    def __init__(self, stream: VideoStream | AudioStream | None) -> None:
        self.stream = stream
        self.packets = self._shown = 0
        self.first: Any = None
        self.damaged = False
        self.is_encrypted = stream is not None and is_encrypted_stream(stream)
        self.captions = CaptionScan()

    @property
    def frames(self) -> int:
        """The number of frames that can be shown."""
        return self._shown if self.first is not None else 0

    def add_packet(self, packet: Packet[Any], is_hidden: bool) -> None:
        self.packets += 1
        self._shown += not is_hidden
        self.damaged |= packet.is_corrupt
        self.is_encrypted |= is_encrypted_packet(packet)
        if self.packets <= _DECODE_TRIES:
            self._decode(packet)
            if self.stream is not None and self.stream.type == "video":
                self.captions.add_packet(packet)

    def finish(self) -> None:
        """Flush the decoder."""
        if self.packets:
            self._decode(None)
        if self.is_encrypted:  # what came out is noise, or the clear beginning of a stream
            self.first, self.damaged = None, False

    def _decode(self, packet: Packet[Any] | None) -> None:
        import av

        if self.first is None and self.stream is not None and not self.is_encrypted:
            try:
                self.first = next(iter(self.stream.codec_context.decode(packet)), None)
            except av.error.MemoryError:
                raise
            except av.FFmpegError:
                self.damaged = True


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        message = f"The frames are {width} × {height} pixels. Send a video with sides of at most {MAX_SIDE} pixels."
        raise PermanentError("too_large_picture", message)


def _video_facts(
    stream: VideoStream | None,
    scan: _StreamScan,
    timeline: Timeline,
    declared: DeclaredPicture,
    repeats_frames: bool,
) -> dict[str, Any]:
    frame = scan.first
    if stream is None or frame is None:
        return {}
    _check_size(frame.width, frame.height)
    rotation, mirrored = orientation(frame)
    display = Display(rotation, mirrored, pixel_aspect(stream), declared.crop)
    width, height = display.size(frame)
    steps = np.diff(timeline.shown[stream.index])
    tick = float(stream.time_base or 0)
    is_uneven, fps = (False, round(1 / tick, 3)) if repeats_frames and tick else _frame_rate(steps, tick)
    return {
        "width": width,
        "height": height,
        "rotation": rotation,
        "mirrored": mirrored,
        "pixel_aspect": round(display.pixel_aspect, 4),
        "crop": display.crop,
        "interlaced": frame.interlaced_frame,
        "fps": fps,
        "variable_frame_rate": is_uneven,
        "video_codec": stream.codec_context.codec.canonical_name,
        "pixel_format": frame.format.name,
        "bit_depth": frame.format.components[0].bits,
        "hdr": frame.color_trc in HIGH_RANGE or declared.dolby_profile == DOLBY_IPT,
        "dolby_vision_profile": declared.dolby_profile,
    }


def _frame_rate(steps: NDArray[np.float64], tick: float) -> tuple[bool, float | None]:
    """Return whether over 2 % of the frames last longer or shorter than most, beyond rounding to ticks, and the rate.

    A single frame at a wrong time makes two steps odd, so more are needed in short films. Of an even rate, odd steps,
    as where recordings were joined, do not count.
    """
    if not steps.any():
        return False, None
    usual = float(np.median(steps))
    is_odd = np.abs(steps - usual) > max(_UNEVEN * usual, 1.5 * tick)
    is_uneven = bool(np.count_nonzero(is_odd) > max(_GLITCH_STEPS, _UNEVEN_SHARE * len(steps)))
    counted = steps if is_uneven or is_odd.all() else steps[~is_odd]
    return is_uneven, round(len(counted) / float(counted.sum()), 3) if counted.sum() > 0 else None


def _audio_facts(scan: _StreamScan, info: MediaInfo, timeline: Timeline) -> dict[str, Any]:
    frame = scan.first
    if scan.stream is None or frame is None:
        return {}
    return {
        "audio_codec": scan.stream.codec_context.codec.canonical_name,
        "sample_rate": frame.sample_rate,
        "channels": frame.layout.nb_channels,
        "audio_end_sec": round(max(timeline.ends.get(index, 0.0) for index in info.selected_audio), 3),
    }


def _warnings(
    container: InputContainer, video_scan: _StreamScan, audio_scan: _StreamScan, timeline: Timeline
) -> list[str]:
    is_exact = timeline.is_plain and container.format.name.startswith(_EXACT_HEADERS)
    promised = (container.duration or 0) / 1_000_000 if is_exact else 0.0
    warnings = []
    if timeline.end < promised - max(_MISSING_SEC, _MISSING_SHARE * promised):
        warnings.append(f"truncated: {timeline.end:.1f} of {promised:.1f} seconds are there")
    if video_scan.damaged or audio_scan.damaged:
        warnings.append("damaged: some parts cannot be read")
    if timeline.resets:
        warnings.append(f"joined recordings: the file's clock starts again {timeline.resets} times")
    if timeline.strays:
        warnings.append(f"impossible times: those of {timeline.strays} packets were replaced")
    if video_scan.packets and video_scan.first is None:
        warnings.append(f"{_cause(video_scan)} pictures: only the sound was used")
    if audio_scan.packets and audio_scan.first is None:
        warnings.append(f"{_cause(audio_scan)} sound: only the pictures were used")
    return warnings


def _cause(scan: _StreamScan) -> str:
    return "encrypted" if scan.is_encrypted else "unreadable"
