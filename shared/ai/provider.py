"""The protocol behind which AI providers stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.models.video import Segment
from shared.progress import Tick


@dataclass(frozen=True)
class AnalysisResult:
    """An instance of the kind's schema, and what it took."""

    result: BaseModel
    usage: Usage


@dataclass(frozen=True)
class AudioClip:
    """Audio to be listened to, a file that one request can hold.

    Attributes:
        path: FLAC, mono, 16 kHz.
    """

    path: Path
    duration_sec: float


@dataclass(frozen=True)
class Transcription:
    """What was said: times in seconds from the start of the sound, within it and in order.

    Attributes:
        language: BCP-47 tag; None when nobody knows.
    """

    segments: list[Segment]
    language: str | None
    usage: Usage


@dataclass(frozen=True)
class EmbeddingResult:
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

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        """Make the kind's result from the evidence.

        Raises PermanentError when this provider can never do it, TransientError when it may later.
        """

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        """Write down what is said, in the language it is said in; no words for a sound without any.

        Raises as `analyze`.
        """

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """A vector for the meaning of each text, so that a query lies near the documents that answer it.

        Of a long text only the beginning counts. Raises as `analyze`, and ValueError for a text without words.
        """

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """The answer to the last turn, in pieces as they come.

        Raises as `analyze`, in the middle of the answer too.
        """


MAX_CHAT_TOKENS = 4_000
"""Tokens an answer may take."""
BYTES_PER_TOKEN = 4
ESTIMATE_NOTE = "The service did not tell what an answer took; its tokens are an estimate."


def estimate_tokens(*texts: str) -> int:
    """About how many tokens the texts are, where the service did not come to say it."""
    return -(-sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN)


def chat_refused_error(reason: str) -> PermanentError:
    return PermanentError("refused", f"The AI declined to answer ({reason}). Rephrase the question.")


def chat_too_long_error() -> PermanentError:
    return PermanentError(
        "answer_too_long", "The answer exceeded the length limit and was cut off. Ask for less at a time."
    )
