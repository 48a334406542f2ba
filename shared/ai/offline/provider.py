"""The provider that needs no key: it reads what is really in the video and invents nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from shared.ai.prompt import add_measures, read_screen_once
from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Transcription, Turn
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS, truncate_texts
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick

# What one thing needs is imported where it is done: a function's package leaves out what it never asks for.
READING_SHARE = 0.95
"""Share of the work that reading the screen is."""


class OfflineProvider:
    """Makes what it can out of on-screen text, words and measures, in the language of the video."""

    name = "offline"

    def __init__(self, model_dir: str = "", meter: Meter | None = None) -> None:
        """Args: model_dir: a folder with a faster-whisper model; without one it does not listen."""
        self._model_dir = model_dir
        self._meter = meter or Meter()

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        """The result as `MAKERS` make it, from what is really there.

        Raises PermanentError `provider_cannot` for any other kind.
        """
        from shared.ai.offline.makers import MAKERS
        from shared.ai.screen.ocr import MODEL

        make = MAKERS.get(kind.schema)
        if make is None:
            raise PermanentError(
                "provider_cannot",
                f"The offline provider does not support the kind {kind.name!r}. Configure an AI provider.",
            )
        screen = read_screen_once(evidence, language, lambda done, message: tick(done * READING_SHARE, message))
        tick(READING_SHARE, "Assembling the result")
        result = make(add_measures(kind, evidence, screen.lines), screen, language)
        return AnalysisResult(result, self._meter.total(self.name, MODEL, kind.prompt_version, len(evidence.samples)))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        from shared.ai.offline.speech import transcribe_clip

        return transcribe_clip(self._model_dir, clip, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """By the words that texts share, not by what they mean; the same for both purposes."""
        from shared.ai.offline.embedding import MIN_SIMILARITY, MODEL, embed

        vectors = []
        for number, text in enumerate(truncate_texts(texts)):
            tick(number / len(texts), "Comparing words")
            vectors.append(embed(text, DIMENSIONS))
        return EmbeddingResult(vectors, DIMENSIONS, self._meter.total(self.name, MODEL), MIN_SIMILARITY)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        raise PermanentError(
            "provider_cannot", "The offline provider quotes videos but does not chat. Configure an AI provider."
        )
