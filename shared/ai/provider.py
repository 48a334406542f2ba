"""The protocol of AI providers, its results, and what their chats have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

from shared.ai.vectors import ANY_SIMILARITY, UNCALIBRATED, Calibration, dot_product
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.models.video import Segment, TimeSpan
from shared.progress import Tick

Task = Literal["analyze", "transcribe", "embed", "chat"]
"""What a provider does; the methods of `Provider` have these names."""
TRANSCRIPTION: Task = "transcribe"
MAX_CHAT_TOKENS = 4_000
"""Maximum number of tokens of an answer."""
BYTES_PER_TOKEN = 4
ESTIMATE_NOTE = "The service did not report the tokens of an answer; they are estimated."


@dataclass(frozen=True)
class AnalysisResult:
    """An instance of the kind's schema, and the usage."""

    result: BaseModel
    usage: Usage


@dataclass(frozen=True)
class AudioClip:
    """A piece of audio to transcribe, short enough for one request.

    Attributes:
        path: FLAC, mono, 16 kHz.
        silences: Silent passages, in seconds from its start.
    """

    path: Path
    duration_sec: float
    silences: Sequence[TimeSpan] = ()


@dataclass(frozen=True)
class Transcription:
    """The speech of a clip: times in seconds from its start, within it and in order.

    Attributes:
        language: BCP-47 tag; None if unknown.
    """

    segments: list[Segment]
    language: str | None
    usage: Usage


@dataclass(frozen=True)
class EmbeddingResult:
    """One vector per text, all of `dimensions` numbers and of length 1.

    `usage.provider` and `usage.model` name their model: vectors of different models cannot be compared.

    Attributes:
        min_similarity: Similarity from which a passage counts as relevant, before `threshold` adds to it what depends
            on the question.
    """

    vectors: list[list[float]]
    dimensions: int
    usage: Usage
    min_similarity: float = ANY_SIMILARITY
    calibration: Calibration = UNCALIBRATED

    def threshold(self, number: int) -> float:
        """Return the similarity, calibrated, from which a passage counts as relevant to a question of the result."""
        nearness = dot_product(self.vectors[number], self.calibration.typical)
        return self.min_similarity + self.calibration.typical_share * nearness


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Provider(Protocol):
    """An AI provider. It asks its meter before each paid call, and counts the call there whatever its outcome.

    All methods raise PermanentError `provider_cannot` for operations that the provider does not support.
    """

    name: str

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        """Return the kind's result for the evidence.

        Raises PermanentError if a retry cannot succeed, TransientError if it can.
        """

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        """Transcribe the clip in its own language; without speech, return no segments.

        Raises as `analyze`.
        """

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Return a vector for the meaning of each text, so that a query is near the documents that answer it.

        Long texts are truncated. Raises as `analyze`, and ValueError for a blank text.
        """

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """Yield the answer to the last turn in pieces as they arrive.

        Raises as `analyze`, in the middle of the answer too.
        """


def estimate_tokens(*texts: str) -> int:
    """Return an estimate of the number of tokens, for a call whose usage the service did not report."""
    return -(-sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN)


def chat_refused_error(reason: str) -> PermanentError:
    return PermanentError("refused", f"The AI declined to answer ({reason}). Rephrase the question.")


def chat_too_long_error() -> PermanentError:
    return PermanentError(
        "answer_too_long", "The answer exceeded the length limit and was cut off. Ask for less at a time."
    )
