"""Models of a video: properties, frames, audio, measurements and transcript of the file, and its origin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import Literal

from pydantic import Field

from shared.models import Model
from shared.models.file_tags import FileTags

MAX_TEXT, TEXT_PER_SEC, LEAST_TEXT = 1_000_000, 100, 5_000
"""Characters of a transcript: in all, per second of the video, and for the shortest; fast speech has 25 per second."""
SEGMENTS_PER_SEC, LEAST_SEGMENTS = 20, 200
MAX_SPEAKER = 80
"""Maximum length of a speaker's label or name."""


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


class TimeSpan(Model):
    """A span of time in the video: [start, end) in seconds."""

    start: float = Field(description="Start in seconds.")
    end: float = Field(description="End in seconds, exclusive.")


class FileChapter(TimeSpan):
    """A chapter that the file contains."""

    title: str | None = Field(None, description="Title of the chapter, if any.")


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


class Shot(TimeSpan):
    """The frames between two cuts."""


class Frame(Model):
    """A frame of the video, stored in the media bucket."""

    name: str = Field(description="Media name, e.g. `frames/03.jpg`. Download it from GET /v1/jobs/{id}/media/{name}.")
    time: float = Field(description="Presentation time in seconds.")
    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")
    sharpness: float | None = Field(None, description="Variance of the Laplacian of the luma. Larger is sharper.")


class Word(TimeSpan):
    """A spoken word with its timestamps."""

    text: str = Field(description="The word.")


class Segment(TimeSpan):
    """A piece of a transcript with its timestamps."""

    text: str = Field(description="Text of the segment.")
    speaker: str | None = Field(
        None,
        description="Who speaks: the name set by the owner or in the source, or a label such as `A`. Null if unknown.",
    )
    words: list[Word] = Field([], description="The words with their timestamps, if the provider returns them.")


class AudioPart(TimeSpan):
    """A part of the audio as a separate file, short enough for one request to a speech service."""

    name: str = Field(description="Media name. The file begins at `start`.")


class Loudness(Model):
    """Loudness according to EBU R 128."""

    integrated_lufs: float = Field(description="Integrated loudness in LUFS.")
    range_lu: float = Field(description="Loudness range in LU.")
    true_peak_dbfs: float = Field(description="True peak in dBFS.")


class AudioTrack(Model):
    """The audio extracted from the video: mono, 16 kHz."""

    name: str = Field(description="Media name of the file.")
    duration_sec: float = Field(description="Duration in seconds.")
    sample_rate: int = Field(16_000, description="Sample rate in hertz.")
    loudness: Loudness | None = Field(
        None, description="Loudness of the original audio track. Null for complete silence."
    )
    parts: list[AudioPart] = Field(
        [],
        description="Parts to transcribe, in order of time. They are cut at silences and omit silent passages; parts"
        " overlap where there was no silence to cut at. Empty if there is nothing to transcribe.",
    )


class Pacing(Model):
    """Measurements of the video. A value is null if there was nothing to measure."""

    duration_sec: float = Field(description="Duration in seconds.")
    shots: int = Field(description="Number of shots.")
    cuts_per_minute: float = Field(description="Cuts per minute.")
    mean_shot_sec: float | None = Field(None, description="Mean duration of a shot in seconds.")
    median_shot_sec: float | None = Field(None, description="Median duration of a shot in seconds.")
    longest_shot_sec: float | None = Field(None, description="Duration of the longest shot in seconds.")
    first_cut_sec: float | None = Field(None, description="Time of the first cut in seconds.")
    first_words_sec: float | None = Field(
        None, description="Time of the first spoken word in seconds. Null also if unknown."
    )
    first_text_sec: float | None = Field(None, description="Time of the first on-screen text in seconds.")
    hook_sec: float | None = Field(
        None,
        description="Time until something happens: the earliest of first cut, first words and first text. Null if"
        " nothing happens, or if the audio was not transcribed: the first words may come before.",
    )
    loudness: Loudness | None = Field(None, description="Loudness of the audio track.")
    silence_share: float | None = Field(
        None, description="Share of silence in the duration, from 0 to 1. Null without an audio track."
    )
    words_spoken: int | None = Field(None, description="Number of spoken words.")
    words_per_minute: float | None = Field(None, description="Speaking rate in words per minute of speech.")
    text_share: float | None = Field(None, description="Share of the duration with on-screen text, from 0 to 1.")
    text_words_per_sec: float | None = Field(
        None, description="On-screen words per second, over the time with on-screen text."
    )


class Origin(Model):
    """Information from the platform that the video was downloaded from, as of the download."""

    source: str = Field(description="The downloader: `http`, `yt-dlp` or `apify`.")
    notes: list[str] = Field([], description="Why downloaders with a higher priority did not download the video.")
    page_url: str | None = Field(None, description="URL of the video's page, with short links resolved.")
    music: str | None = Field(None, description="Music of the video, as the platform names it.")
    views: int | None = Field(None, description="Number of views.")
    likes: int | None = Field(None, description="Number of likes.")
    comments: int | None = Field(None, description="Number of comments.")
    shares: int | None = Field(None, description="Number of shares.")
    tags: list[str] = Field([], description="Tags of the video on the platform.")
    published_at: datetime | None = Field(None, description="When the video was published.")


TranscriptSource = Literal["subtitles", "captions", "speech"]
"""A subtitle track in the file, captions of the page it came from, or transcribed speech."""


class Video(Model):
    """The video of a job. Fields are set as stages determine them."""

    filename: str | None = Field(None, description="Name of the file.")
    content_type: str | None = Field(None, description="Media type of the file.")
    title: str | None = Field(None, description="Title given by the source, if any.")
    author: str | None = Field(None, description="Author given by the source, if any.")
    caption: str | None = Field(None, description="Text posted with the video, if any.")
    origin: Origin | None = Field(None, description="Where the video was downloaded from. Null for an uploaded file.")
    captions: str | None = Field(
        None, description="Media name of the captions given by the source, stored as a transcript."
    )
    info: MediaInfo | None = Field(None, description="Properties of the file.")
    thumbnail: Frame | None = Field(None, description="The thumbnail.")
    shots: list[Shot] = Field([], description="Shots in order of time.")
    frames: list[Frame] = Field([], description="Key frames in order of time.")
    audio: AudioTrack | None = Field(None, description="The extracted audio. Null if there is none.")
    transcript_source: TranscriptSource | None = Field(
        None, description="Where the transcript comes from. Null without a transcript."
    )
    transcript_language: str | None = Field(
        None, description="Language of the transcript: a BCP-47 tag, or the tag in the file, e.g. `deu`."
    )
    transcript: str | None = Field(
        None,
        description="The transcript so far, at most 20,000 characters. It grows while the audio is transcribed. GET"
        " /v1/jobs/{id}/export returns all of it, with timestamps.",
    )


class Extraction(Model):
    """The output of the extract stage, stored as `extract.json` in the media bucket for later stages."""

    info: MediaInfo
    thumbnail: Frame | None
    shots: list[Shot]
    frames: list[Frame] = Field(description="Key frames, at most 12, in time order.")
    samples: list[Frame] = Field(description="Frames for reading on-screen text, in time order.")
    audio: AudioTrack | None
    silences: list[TimeSpan] = Field([], description="Silent passages of the audio, in order of time.")
    link: str | None = Field(
        None, description="The public link from which the provider reads the video; None for a stored file."
    )
    transcript: list[Segment] = Field(description="From an embedded subtitle track; empty if there is none.")
    transcript_language: str | None = None
    transcript_is_partial: bool = Field(
        False, description="Whether the subtitles cover little of the sound; then they only stand in for speech."
    )
    transcript_notes: list[str] = Field([], description="Remarks, e.g. that the text was cut.")

    @property
    def has_transcript(self) -> bool:
        """Whether the subtitles make listening unnecessary."""
        return bool(self.transcript) and not self.transcript_is_partial


TranscriptGap = Literal["no_audio", "silent", "not_transcribed", "no_speech"]
"""Why a transcript has no words: no audio track, a silent one, nothing that transcribes, or no recognized speech."""


class Transcript(Model):
    """A transcript. It is stored as `transcript.json`, or as `captions.json` if it comes from captions."""

    source: TranscriptSource | None = Field(None, description="Where the text comes from. Null if there is none.")
    language: str | None = Field(
        None, description="Language: a BCP-47 tag, or the tag in the file, e.g. `deu`. Null if unknown."
    )
    segments: list[Segment] = Field([], description="Segments in order of time.")
    provider: str | None = Field(None, description="The provider that transcribed the speech, if any.")
    model: str | None = Field(None, description="The model that transcribed the speech, if any.")
    gap: TranscriptGap | None = Field(
        None,
        description="Why there are no words: `no_audio`, `silent`, `not_transcribed` (no speech model or AI key for its"
        " language) or `no_speech` (nothing was recognized). Null if there are words, or if the reason is unknown.",
    )
    notes: list[str] = Field([], description="Remarks, e.g. that no speech recognition was available.")


class TextLimit:
    """The text that a video of some duration may bring, whatever the source; counts what has been accepted.

    Attributes:
        notes: Empty, or one remark that the text was cut.
    """

    def __init__(self, duration_sec: float = math.inf) -> None:
        self.notes: list[str] = []
        self._characters = min(MAX_TEXT, LEAST_TEXT + TEXT_PER_SEC * duration_sec)
        self._segments = min(MAX_TEXT, LEAST_SEGMENTS + SEGMENTS_PER_SEC * duration_sec)
        self._most = f"{self._characters:,.0f} characters or {self._segments:,.0f} segments"

    def accept(self, text: str) -> bool:
        """Count one more segment; return False, and add the note, if it is too much."""
        self._characters -= len(text)
        self._segments -= 1
        if self._characters >= 0 and self._segments >= 0:
            return True
        self.notes = [f"The transcript was cut: a video of this duration may have at most {self._most} of text."]
        return False

    def cut(self, segments: Iterable[Segment]) -> list[Segment]:
        """Return the segments up to the limit, the words of which have the same text."""
        return list(takewhile(lambda segment: self.accept(_longest_text(segment)), segments))


def _longest_text(segment: Segment) -> str:
    return max(segment.text, " ".join(word.text for word in segment.words), key=len)
