"""Probe a media file: read its packets and decode one frame of each stream."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import PermanentError
from shared.media.closed_captions import CODEC, CaptionScan
from shared.media.container import (
    MAX_PACKETS,
    MAX_PIXELS,
    MAX_SIDE,
    open_media,
    oversize_dimensions,
    packet_time,
    pixel_aspect,
    presentation_start,
    read_packets,
    truncated_file_error,
    unplayable_error,
    video_stream,
)
from shared.media.encryption import encrypted_media_error, is_encrypted_file, is_encrypted_packet, is_encrypted_stream
from shared.media.file_tags import read_chapters, read_tags
from shared.media.images import HIGH_RANGE, display_size
from shared.media.subtitles import list_subtitles
from shared.models.video import MediaInfo, SubtitleTrack
from shared.settings import Settings

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

_DECODE_TRIES = 600
_UNEVEN, _UNEVEN_SHARE = 0.1, 0.02
_EXACT_HEADERS = ("mov", "matroska", "avi")
_ROUNDING_SEC = 0.1
_IN_MINUTES_SEC = 600
_MOST_FPS = 1000
_FRAME_SEC = 0.04
_MISSING_SEC, _MISSING_SHARE = 0.5, 0.02


def probe(path: Path) -> MediaInfo:
    """Read a whole file, decoding only its first frames.

    Times come from the packets, sizes and colours from a decoded frame, because headers may be missing or wrong. Of a
    damaged file only the playable part counts, and `warnings` state what is missing.

    Raises:
        PermanentError: `empty_file`; `not_media` for text, web pages, images and playlists; `no_streams` without
            video and audio; `too_large_picture`; `zero_length`; `encrypted_media`; `truncated` when nothing can be
            decoded.
    """
    with open_media(path) as container:
        video = video_stream(container)
        audio = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
        if video is None and audio is None:
            raise PermanentError("no_streams", "The file has neither video nor audio. Send a video or audio file.")
        if video is not None:
            _check_size(video.width, video.height)
        video_scan, audio_scan, captions = _StreamScan(video), _StreamScan(audio), CaptionScan()
        for packet in read_packets(container, *(stream for stream in (video, audio) if stream is not None)):
            (video_scan if packet.stream is video else audio_scan).add_packet(packet)
            if packet.stream is video and video_scan.packets <= _DECODE_TRIES:
                captions.add_packet(packet)
        video_scan.finish()
        audio_scan.finish()
        if video_scan.packets and video_scan.first is None:
            _check_size(*(oversize_dimensions(path) or (0, 0)))
        if not video_scan.packets and not audio_scan.packets:
            if is_encrypted_file(path):
                raise encrypted_media_error()
            has_content = container.duration or (video and video.frames) or (audio and audio.frames)
            raise (
                truncated_file_error()
                if has_content
                else PermanentError("zero_length", "The file has no content. Send it again.")
            )
        if video_scan.first is None and audio_scan.first is None:
            is_encrypted = video_scan.is_encrypted or audio_scan.is_encrypted
            raise encrypted_media_error() if is_encrypted else unplayable_error(path)

        tracks, unread = list_subtitles(container, path)
        if captions.has_608 and video:
            tracks.append(SubtitleTrack(index=video.index, codec=CODEC))
        elif captions.has_708:
            unread.append("cea_708")
        duration = max(video_scan.end, audio_scan.end) - presentation_start(container)
        return MediaInfo(
            container=container.format.name,
            size_bytes=path.stat().st_size,
            duration_sec=round(duration, 3),
            has_video=video_scan.first is not None,
            has_audio=audio_scan.first is not None,
            bit_rate=round(path.stat().st_size * 8 / duration) if duration > 0 else None,
            subtitles=tracks,
            chapters=read_chapters(container, presentation_start(container), duration),
            tags=read_tags(container),
            warnings=[
                *_warnings(container, video_scan, audio_scan, duration),
                *([f"unread subtitles: {', '.join(unread)}"] if unread else []),
            ],
            **_video_facts(video, video_scan),
            **_audio_facts(audio, audio_scan),
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
    """Times and damage of one stream's packets, and its first frame; stays empty without a stream."""

    def __init__(self, stream: VideoStream | AudioStream | None) -> None:
        self.stream = stream
        self.packets = 0
        self.begins = array("d")
        self.end = 0.0
        self.first: Any = None
        self.damaged = False
        self.is_encrypted = stream is not None and is_encrypted_stream(stream)

    def add_packet(self, packet: Packet[Any]) -> None:
        self.packets += 1
        self.damaged |= packet.is_corrupt
        self.is_encrypted |= is_encrypted_packet(packet)
        if self.packets <= _DECODE_TRIES:
            self._decode(packet)
        begin = packet_time(packet)
        if begin is None or packet.is_discard:
            return
        self.end = max(self.end, begin + float((packet.duration or 0) * packet.time_base))
        if len(self.begins) < MAX_PACKETS:
            self.begins.append(begin)

    def finish(self) -> None:
        """Flush the decoder, and estimate the length of the last frame if the file states none."""
        if self.packets:
            self._decode(None)
        if self.is_encrypted:  # what came out is noise, or the clear beginning of a stream
            self.first, self.damaged = None, False
        if len(self.begins) and self.end <= max(self.begins):
            self.end += float(np.median(self.frame_steps())) if len(self.begins) > 1 else _FRAME_SEC

    def frame_steps(self) -> NDArray[np.float64]:
        """Return the seconds from each frame to the next."""
        return np.diff(np.sort(np.array(self.begins)))

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


def _video_facts(stream: VideoStream | None, track: _StreamScan) -> dict[str, Any]:
    frame = track.first
    if stream is None or frame is None:
        return {}
    _check_size(frame.width, frame.height)
    rotation = round(-frame.rotation / 90) * 90 % 360
    width, height = display_size(frame, pixel_aspect(stream), rotation)
    steps = track.frame_steps()
    span = float(steps.sum())
    return {
        "width": width,
        "height": height,
        "rotation": rotation,
        "fps": round(len(steps) / span, 3) if span > 0 else None,
        "variable_frame_rate": _is_uneven(steps, float(stream.time_base or 0)),
        "video_codec": stream.codec_context.codec.canonical_name,
        "pixel_format": frame.format.name,
        "bit_depth": frame.format.components[0].bits,
        "hdr": frame.color_trc in HIGH_RANGE,
    }


def _is_uneven(steps: NDArray[np.float64], tick: float) -> bool:
    """Return True if over 2 % of the frames last longer or shorter than most, beyond rounding to ticks."""
    if len(steps) < 2:
        return False
    usual = float(np.median(steps))
    return bool(np.mean(np.abs(steps - usual) > max(_UNEVEN * usual, 1.5 * tick)) > _UNEVEN_SHARE)


def _audio_facts(stream: AudioStream | None, track: _StreamScan) -> dict[str, Any]:
    frame = track.first
    if stream is None or frame is None:
        return {}
    return {
        "audio_codec": stream.codec_context.codec.canonical_name,
        "sample_rate": frame.sample_rate,
        "channels": frame.layout.nb_channels,
    }


def _warnings(
    container: InputContainer, video_scan: _StreamScan, audio_scan: _StreamScan, duration: float
) -> list[str]:
    promised = (container.duration or 0) / 1_000_000 if container.format.name.startswith(_EXACT_HEADERS) else 0.0
    warnings = []
    if duration < promised - max(_MISSING_SEC, _MISSING_SHARE * promised):
        warnings.append(f"truncated: {duration:.1f} of {promised:.1f} seconds are there")
    if video_scan.damaged or audio_scan.damaged:
        warnings.append("damaged: some parts cannot be read")
    if video_scan.packets and video_scan.first is None:
        warnings.append(f"{_cause(video_scan)} pictures: only the sound was used")
    if audio_scan.packets and audio_scan.first is None:
        warnings.append(f"{_cause(audio_scan)} sound: only the pictures were used")
    return warnings


def _cause(scan: _StreamScan) -> str:
    return "encrypted" if scan.is_encrypted else "unreadable"
