"""The protocol behind which AI providers stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from shared.analyses.kinds import Kind
from shared.models.job import Usage
from shared.models.video import AudioTrack, Frame, MediaInfo, Origin, Segment, Shot, Span

Tick = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and what is being done; raises when the job was cancelled."""


def part(tick: Tick, start: float, end: float) -> Tick:
    """A tick for a part of the work: its 0 to 1 is `start` to `end` of the whole."""
    return lambda done, what: tick(start + (end - start) * done, what)


class Line(Protocol):
    """Words with their times, in seconds."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Evidence:
    """What is really in the video: all that an analysis may draw on.

    Attributes:
        frames: Key frames, each with a local copy.
        samples: Frames for reading on-screen text, each with a local copy, in time order.
        transcript: Words with their times, from subtitles or speech; empty when there are none.
        caption: The text its author posted with the video, if any.
        source: Fetches the video itself and returns its local path; raises PermanentError `source_gone`. Only called by
            a provider that sends the whole video.
        heard: The provider listens to the video itself.
        measured: What the kind measured; None for one that measures nothing.
        screens: What was read off the screen so far, by language; see `shared.ai.looking`.
    """

    info: MediaInfo
    frames: list[tuple[Frame, Path]]
    samples: list[tuple[Frame, Path]]
    transcript: list[Segment] = field(default_factory=list)
    transcript_language: str | None = None
    transcript_source: str | None = None
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    url: str | None = None
    thumbnail: Frame | None = None
    source: Callable[[], Path] | None = None
    shots: list[Shot] = field(default_factory=list)
    audio: AudioTrack | None = None
    silences: list[Span] = field(default_factory=list)
    origin: Origin | None = None
    heard: bool = False
    measured: BaseModel | None = None
    screens: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Analysis:
    """An instance of the kind's schema, and what it took."""

    result: BaseModel
    usage: Usage


@dataclass(frozen=True)
class Sound:
    """Audio to be listened to, a file that one request can hold.

    Attributes:
        path: FLAC, mono, 16 kHz.
    """

    path: Path
    duration_sec: float


@dataclass(frozen=True)
class Heard:
    """What was said: times in seconds from the start of the sound, within it and in order.

    Attributes:
        language: BCP-47 tag; None when nobody knows.
    """

    segments: list[Segment]
    language: str | None
    usage: Usage


@dataclass(frozen=True)
class Embedded:
    """One vector per text, all of `dimensions` numbers and of length 1.

    `usage.provider` and `usage.model` say whose they are: those of different models cannot be compared.
    """

    vectors: list[list[float]]
    dimensions: int
    usage: Usage


@dataclass(frozen=True)
class Turn:
    """What one side of a conversation said."""

    role: Literal["user", "assistant"]
    content: str


class Provider(Protocol):
    """Every call that costs money asks its meter first and is counted there, whatever becomes of it.

    All methods raise PermanentError `provider_cannot` for what this provider does not do at all.
    """

    name: str

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        """Make the kind's result from the evidence.

        Raises PermanentError when this provider can never do it, TransientError when it may later.
        """

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        """Write down what is said, in the language it is said in; no words for a sound without any.

        Raises as `analyze`.
        """

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        """A vector for the meaning of each text, so that a query lies near the documents that answer it.

        Of a long text only the beginning counts. Raises as `analyze`, and ValueError for a text without words.
        """

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """The answer to the last turn, in pieces as they come.

        Raises as `analyze`, in the middle of the answer too.
        """
