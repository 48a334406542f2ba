"""The provider that needs no key: it reads what is really in the video and invents nothing."""

from __future__ import annotations

from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.screen.ocr import MODEL
from shared.ai.offline.screen.reader import read_screen
from shared.ai.provider import Analysis, Evidence, Tick
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.models.recipe import Recipe

READING = 0.95
"""Share of the work that reading the screen is."""


class OfflineProvider:
    """Turns on-screen text, subtitles and caption into a recipe, in the language of the video."""

    name = "offline"

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
        usage = Usage(
            provider=self.name,
            model=MODEL,
            prompt_version=kind.prompt_version,
            frames=len(evidence.samples),
            cost_usd=0,
        )
        return Analysis(recipe, usage)
