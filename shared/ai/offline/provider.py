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
from shared.settings import HASHING

# Imports within methods keep the modules of one task out of the packages of functions that never run it.
READING_SHARE = 0.95
"""Share of the progress for reading on-screen text."""


class OfflineProvider:
    """Makes results from on-screen text, transcript and measures, in the language of the video."""

    name = "offline"

    def __init__(self, model_dir: str = "", meter: Meter | None = None, embed_model: str = HASHING) -> None:
        """Create the provider.

        Args:
            model_dir: Folder with a faster-whisper model; without one, `transcribe` fails.
            embed_model: A value of the setting OFFLINE_EMBED_MODEL.
        """
        self._model_dir = model_dir
        self._meter = meter or Meter()
        self._embed_model = embed_model

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
        screen = read_screen_once(evidence, language, lambda done, message: tick(done * READING_SHARE, message))
        if screen.is_cut:
            self._meter.note("The video has more on-screen text than is read: the text of its last part is missing.")
        tick(READING_SHARE, "Assembling the result")
        result = make(add_measures(kind, evidence, screen.lines), screen, language)
        return AnalysisResult(result, self._meter.total(self.name, MODEL, kind.prompt_version, len(evidence.samples)))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        from shared.ai.offline.speech import transcribe_clip

        return transcribe_clip(self._model_dir, clip, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Embed texts by their meaning, with the sentence model; by their words where it cannot be used."""
        truncated = truncate_texts(texts)
        if self._embed_model == HASHING:
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
        return EmbeddingResult(vectors, model.DIMENSIONS, usage, model.MIN_SIMILARITY, model.CALIBRATION)

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
