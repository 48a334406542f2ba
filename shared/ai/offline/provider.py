"""The AI provider without an API key: it extracts results from the video's own text and measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from shared.ai.prompt import add_measures, read_screen_once
from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Transcription, Turn
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS, MAX_TEXT_BYTES, batches, truncate_texts
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick
from shared.settings import HASHING, Settings

# Imports within methods keep the modules of one task out of the packages of functions that never run it.
READING_SHARE = 0.95
"""Share of the progress for reading on-screen text."""


class OfflineProvider:
    """Makes results from on-screen text, transcript and measures, in the language of the video."""

    name = "offline"

    def __init__(self, settings: Settings | None = None, meter: Meter | None = None) -> None:
        """Args: settings: say which models to use; without them, only those that need no choice."""
        self._settings = settings
        self._meter = meter or Meter()

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        """Make the result with the maker from `MAKERS`.

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
        screen = read_screen_once(
            evidence, language, self._meter, lambda done, message: tick(done * READING_SHARE, message)
        )
        tick(READING_SHARE, "Assembling the result")
        result = make(add_measures(kind, evidence, screen.lines), screen, language)
        return AnalysisResult(result, self._meter.total(self.name, MODEL, kind.prompt_version, len(evidence.samples)))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        from shared.ai.offline.speech import speech_model, transcribe_clip

        speech = speech_model(self._settings) if self._settings else None
        return transcribe_clip(speech, clip, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Embed texts by their meaning, with the sentence model; by their words where it cannot be used."""
        truncated = truncate_texts(texts)
        if self._settings is None or self._settings.offline_embed_model == HASHING:
            return self._hash_words(truncated, tick)
        from shared.ai.offline import sentence_model as model

        if model.sentence_model().fault():
            return self._hash_words(truncated, tick)
        vectors: list[list[float]] = []
        if purpose == "query":
            vectors += (list(model.embed_query(text)) for text in truncated)
        else:
            for batch in batches(truncated, model.BATCH, MAX_TEXT_BYTES * model.BATCH):
                tick(len(vectors) / len(texts), "Embedding the transcript")
                vectors += model.sentence_model().embed(batch, purpose)
        usage = self._meter.total(self.name, model.MODEL)
        return EmbeddingResult(vectors, model.DIMENSIONS, usage, model.MIN_SIMILARITY, model.calibration())

    def _hash_words(self, texts: Sequence[str], tick: Tick) -> EmbeddingResult:
        from shared.ai.offline.embedding import MIN_SIMILARITY, MODEL, embed

        vectors = []
        for number, text in enumerate(texts):
            tick(number / len(texts), "Comparing words")
            vectors.append(embed(text, DIMENSIONS))
        return EmbeddingResult(vectors, DIMENSIONS, self._meter.total(self.name, MODEL), MIN_SIMILARITY)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        raise PermanentError(
            "provider_cannot", "The offline provider quotes videos but does not chat. Configure an AI provider."
        )
