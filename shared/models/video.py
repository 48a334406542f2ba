"""What is known of a video from looking at its bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.models.base import Model


class SubtitleTrack(Model):
    """A text subtitle stream inside the file."""

    index: int = Field(description="Stream index in the file.")
    codec: str
    language: str | None = Field(None, description="As tagged in the file, e.g. `deu`; None when untagged.")


class MediaInfo(Model):
    """The result of probing a file. Sizes are display sizes: after rotation, in pixels."""

    container: str = Field(description="Demuxer name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.")
    size_bytes: int
    duration_sec: float = Field(description="From real packet times where the header has none or lies.")
    has_video: bool
    has_audio: bool
    width: int = 0
    height: int = 0
    rotation: int = Field(0, description="Clockwise degrees to turn decoded pixels for display: 0, 90, 180 or 270.")
    fps: float | None = Field(None, description="Mean frame rate; None when unknown.")
    variable_frame_rate: bool = False
    video_codec: str | None = None
    audio_codec: str | None = None
    pixel_format: str | None = None
    bit_depth: int = 8
    hdr: bool = Field(False, description="The transfer function is PQ or HLG.")
    bit_rate: int | None = Field(None, description="Bits per second of the whole file.")
    sample_rate: int | None = Field(None, description="Hz, of the first audio stream.")
    channels: int | None = None
    subtitles: list[SubtitleTrack] = []
    warnings: list[str] = Field([], description="Damage that was survived, e.g. `truncated`; words for people.")


class Span(Model):
    """A stretch of the video, [start, end) in seconds."""

    start: float
    end: float


class Shot(Span):
    """A run of frames between two cuts, [start, end) in seconds."""


class Frame(Model):
    """A picture taken out of the video and stored in the media bucket."""

    name: str = Field(description="Media name, e.g. `frames/03.jpg`, to be read at /v1/jobs/{id}/media/{name}.")
    time: float = Field(description="Presentation time in seconds.")
    width: int
    height: int
    sharpness: float | None = Field(None, description="Variance of the Laplacian of the luma; larger is sharper.")


class Word(Span):
    """A word and when it is said."""

    text: str


class Segment(Span):
    """Some words and when they are said or shown."""

    text: str
    words: list[Word] = Field([], description="Its words one by one, where whoever listened told their times.")


class AudioPart(Span):
    """A stretch of the audio in a file of its own, short enough for one request to a speech service."""

    name: str = Field(description="Media name; the file begins at `start`.")


class Loudness(Model):
    """By EBU R 128."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbfs: float


class AudioTrack(Model):
    """The audio taken out of the video: mono, 16 kHz."""

    name: str
    duration_sec: float
    sample_rate: int = 16_000
    loudness: Loudness | None = Field(None, description="Of the video's own sound track; None for pure silence.")
    parts: list[AudioPart] = Field(
        [],
        description="What is to be listened to for words, in order of time: cut at silences, silent stretches left out;"
        " neighbours overlap where there was no silence to cut at. Empty when nothing is to be listened to.",
    )


class Origin(Model):
    """What the place a video was downloaded from tells of it. Numbers are as of the download."""

    source: str = Field(description="Who fetched it: `http`, `yt-dlp` or `apify`.")
    notes: list[str] = Field([], description="Why those that would have come first did not fetch it.")
    page_url: str | None = Field(None, description="The page of the video, short links resolved.")
    music: str | None = None
    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    tags: list[str] = []
    published_at: datetime | None = None


TranscriptSource = Literal["subtitles", "captions", "speech"]
"""Subtitle track of the file; captions of the page it came from; what was heard."""


class Video(Model):
    """What a job's document shows of its video; fields fill as stages find them."""

    filename: str | None = None
    content_type: str | None = None
    title: str | None = Field(None, description="As its source tells it, if it does.")
    author: str | None = None
    caption: str | None = None
    origin: Origin | None = Field(None, description="None for a file that was uploaded.")
    captions: str | None = Field(None, description="Media name of the captions that its source has, a transcript.")
    info: MediaInfo | None = None
    thumbnail: Frame | None = None
    shots: list[Shot] = []
    frames: list[Frame] = []
    audio: AudioTrack | None = None
    transcript_source: TranscriptSource | None = None
    transcript_language: str | None = Field(None, description="BCP-47 tag, or as tagged in the file, e.g. `deu`.")
    transcript: str | None = Field(
        None,
        description="The words so far, while they are listened to and after, at most 20 000 characters. All with"
        " their times: GET /v1/jobs/{id}/export.",
    )


class Extraction(Model):
    """Everything the extract stage found, stored as `extract.json` beside the pictures for the stages after it."""

    info: MediaInfo
    thumbnail: Frame | None
    shots: list[Shot]
    frames: list[Frame] = Field(description="Key frames, at most 12, in time order.")
    samples: list[Frame] = Field(description="Frames for reading on-screen text, in time order.")
    audio: AudioTrack | None
    silences: list[Span] = Field([], description="Stretches of the sound without anything to hear, in order of time.")
    transcript: list[Segment] = Field(description="From an embedded subtitle track; empty when there is none.")
    transcript_language: str | None = None
