"""The provider that needs no key: it reads what is really in the video and invents nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from shared.ai.meter import Meter
from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.screen.ocr import MODEL
from shared.ai.offline.screen.reader import read_screen
from shared.ai.provider import Analysis, Embedded, Evidence, Heard, Sound, Tick, Turn
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.models.recipe import Recipe

READING = 0.95
"""Share of the work that reading the screen is."""


class OfflineProvider:
    """Turns on-screen text, subtitles and caption into a recipe, in the language of the video."""

    name = "offline"

    def __init__(self, model_dir: str = "", meter: Meter | None = None) -> None:
        """Args: model_dir: a folder with a faster-whisper model; without one it does not listen."""
        self._model_dir = model_dir
        self._meter = meter or Meter()

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        """A Recipe; empty, with confidence 0 and a note, when the video tells none.

        Raises PermanentError `provider_cannot` for any other kind.
        """
        if kind.schema is not Recipe:
            raise PermanentError(
                "provider_cannot",
                f"The offline provider cannot make the kind {kind.name!r}; configure an AI provider for it.",
            )
        screen = read_screen(evidence.samples, language, lambda done, what: tick(done * READING, what))
        tick(READING, "Reading the recipe")
        recipe = parse_recipe(
            screen.lines,
            evidence.transcript,
            evidence.caption,
            title=evidence.title,
            language=language,
            transcript_language=evidence.transcript_language,
            transcript_source="speech" if evidence.transcript_source == "speech" else "subtitle",
            unread=screen.unread,
        )
        recipe.author = evidence.author or next((one.text for one in screen.handles if one.text.startswith("@")), None)
        recipe.source_url = evidence.url
        recipe.thumbnail = evidence.thumbnail.name if evidence.thumbnail else None
        return Analysis(recipe, self._meter.total(self.name, MODEL, kind.prompt_version, len(evidence.samples)))

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        raise PermanentError(
            "provider_cannot",
            "The offline provider does not listen; set WHISPER_MODEL_DIR or configure an AI provider.",
        )

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        raise PermanentError(
            "provider_cannot", "The offline provider cannot compare meanings; configure an AI provider for that."
        )

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        raise PermanentError(
            "provider_cannot", "The offline provider cannot talk about a video; configure an AI provider for that."
        )
