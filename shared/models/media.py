"""Models of a media file: its tracks and properties."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.models import Model
from shared.models.file_tags import FileChapter, FileTags

AudioRole = Literal["main", "commentary", "descriptions", "other"]
AudioContent = Literal["sound", "steady", "silent", "unreadable"]
SubtitleRole = Literal["full", "forced", "commentary", "telemetry", "other"]


class MediaTrack(Model):
    """A stream inside the file."""

    index: int = Field(description="Stream index in the file.")
    codec: str = Field(description="Codec of the track.")
    language: str | None = Field(None, description="Language tag in the file, e.g. `deu`. Null if there is none.")
    title: str | None = Field(None, description="Title in the file, if any.")
    default: bool = Field(False, description="Whether the file marks the track as default.")
    selected: bool = Field(False, description="Whether Clipwise uses the track.")


class SoundTrack(MediaTrack):
    """An audio stream inside the file."""

    channels: int | None = Field(None, description="Number of channels. Null if unknown.")
    role: AudioRole = Field(
        "main",
        description="`main`, `commentary`, `descriptions` (for blind people) or `other` (such as karaoke), from the"
        " file's flags and titles.",
    )
    content: AudioContent | None = Field(
        None,
        description="What samples of the track contain: `sound`, `steady` (only hum, hiss or tones), `silent`, or"
        " `unreadable` (it cannot be decoded). Null if it is the only track: then it is not sampled.",
    )


class SubtitleTrack(MediaTrack):
    """A text subtitle stream inside the file."""

    role: SubtitleRole = Field(
        "full",
        description="`full`, `forced` (only signs and foreign speech), `commentary`, `telemetry` (readings of a device)"
        " or `other` (such as lyrics).",
    )
    hearing_impaired: bool = Field(False, description="Whether the track also describes sounds.")
    coverage: float | None = Field(
        None, description="Share of the time with sound that its subtitles cover, from 0 to 1. Null if it was not read."
    )


class MediaInfo(Model):
    """Properties of a file. Sizes are display sizes in pixels, after rotation."""

    container: str = Field(description="Demuxer name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.")
    size_bytes: int = Field(description="Size of the file in bytes.")
    duration_sec: float = Field(
        description="Duration in seconds, from packet timestamps if the header has none or is wrong."
    )
    has_video: bool = Field(description="Whether the file has a video track.")
    has_audio: bool = Field(description="Whether the file has an audio track.")
    width: int = Field(0, description="Display width in pixels. 0 without a video track.")
    height: int = Field(0, description="Display height in pixels. 0 without a video track.")
    rotation: int = Field(
        0, description="Clockwise rotation of decoded frames for display, in degrees: 0, 90, 180 or 270."
    )
    mirrored: bool = Field(
        False, description="Whether decoded frames are mirrored left to right for display, before the rotation."
    )
    pixel_aspect: float = Field(1, description="Width of a pixel of decoded frames over its height.")
    crop: tuple[int, int, int, int] = Field(
        (0, 0, 0, 0),
        description="Pixels of decoded frames that the file hides on the left, top, right and bottom, before rotation.",
    )
    interlaced: bool = Field(False, description="Whether frames consist of two fields. Stored frames are deinterlaced.")
    fps: float | None = Field(None, description="Mean frame rate in frames per second. Null if unknown.")
    variable_frame_rate: bool = Field(False, description="Whether the frame rate varies.")
    video_codec: str | None = Field(None, description="Codec of the selected video track.")
    audio_codec: str | None = Field(None, description="Codec of the selected audio track.")
    pixel_format: str | None = Field(None, description="Pixel format, e.g. `yuv420p`.")
    bit_depth: int = Field(8, description="Bits per color channel.")
    hdr: bool = Field(False, description="Whether the transfer function is PQ or HLG.")
    dolby_vision_profile: int | None = Field(None, description="Profile of Dolby Vision. Null without it.")
    bit_rate: int | None = Field(None, description="Bit rate of the whole file in bits per second.")
    sample_rate: int | None = Field(None, description="Sample rate of the selected audio track in hertz.")
    channels: int | None = Field(None, description="Number of channels of the selected audio track.")
    audio_end_sec: float | None = Field(None, description="Where the selected audio ends in seconds.")
    video_track: int | None = Field(None, description="Stream index of the selected video track.")
    audio_tracks: list[SoundTrack] = Field([], description="Audio tracks.")
    subtitles: list[SubtitleTrack] = Field([], description="Text subtitle tracks.")
    chapters: list[FileChapter] = Field([], description="Chapters in the file, in order of time, at most 200.")
    tags: FileTags = Field(
        default_factory=FileTags, description="Title, artist, time and place, as far as the file has them."
    )
    clock_start: float = Field(
        0, description="Start of the video on the file's own clock in seconds; all other times count from it."
    )
    clock_resets: int = Field(0, description="How often the file's clock starts again, as in joined recordings.")
    stray_packets: int = Field(0, description="Number of packets whose impossible time was replaced.")
    warnings: list[str] = Field(
        [], description="Damage, and parts that were not used, e.g. `truncated` or `unread subtitles`, for people."
    )

    @property
    def selected_audio(self) -> list[int]:
        """The stream indices of the audio tracks to use: several, if each goes on where another ends."""
        return [track.index for track in self.audio_tracks if track.selected]

    @property
    def has_plain_sound(self) -> bool:
        """Whether the sound is one track on the file's own clock."""
        return self.clock_resets == self.stray_packets == 0 and len(self.selected_audio) == 1

    @property
    def timed_tracks(self) -> list[int]:
        """The stream indices of the tracks that determine times and duration."""
        return [*([] if self.video_track is None else [self.video_track]), *self.selected_audio]
