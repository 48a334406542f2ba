"""What is known of a video from looking at its bytes."""

from __future__ import annotations

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


class Shot(Model):
    """A run of frames between two cuts, [start, end) in seconds."""

    start: float
    end: float


class Frame(Model):
    """A picture taken out of the video and stored in the media bucket."""

    name: str = Field(description="Media name, e.g. `frames/03.jpg`, to be read at /v1/jobs/{id}/media/{name}.")
    time: float = Field(description="Presentation time in seconds.")
    width: int
    height: int
    sharpness: float | None = Field(None, description="Variance of the Laplacian of the luma; larger is sharper.")


class Segment(Model):
    """Some words and when they are said or shown, in seconds."""

    start: float
    end: float
    text: str


class AudioTrack(Model):
    """The audio taken out of the video: mono, 16 kHz."""

    name: str
    duration_sec: float
    sample_rate: int = 16_000


class Video(Model):
    """What a job's document shows of its video; fields fill as stages find them."""

    filename: str | None = None
    content_type: str | None = None
    title: str | None = Field(None, description="As its source tells it, if it does.")
    author: str | None = None
    caption: str | None = None
    info: MediaInfo | None = None
    thumbnail: Frame | None = None
    shots: list[Shot] = []
    frames: list[Frame] = []
    audio: AudioTrack | None = None
    transcript_source: str | None = Field(None, description="`subtitles` or None so far.")


class Extraction(Model):
    """Everything the extract stage found, stored as `extract.json` beside the pictures for the stages after it."""

    info: MediaInfo
    thumbnail: Frame | None
    shots: list[Shot]
    frames: list[Frame] = Field(description="Key frames, at most 12, in time order.")
    samples: list[Frame] = Field(description="Frames for reading on-screen text, in time order.")
    audio: AudioTrack | None
    transcript: list[Segment] = Field(description="From an embedded subtitle track; empty when there is none.")
    transcript_language: str | None = None
