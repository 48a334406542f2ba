"""The kinds of results that can be made without an AI provider."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.offline.reel import make_reel
from shared.ai.offline.summary import make_summary
from shared.ai.screen.lines import ScreenText
from shared.analyses.evidence import Evidence
from shared.analyses.recipe import Recipe
from shared.analyses.reel import Reel
from shared.analyses.summary import VideoSummary
from shared.analyses.transcript import GAP_SENTENCES

Maker = Callable[[Evidence, ScreenText, str], BaseModel]


def make_recipe(evidence: Evidence, screen: ScreenText, language: str) -> Recipe:
    """Make a recipe; empty, with confidence 0 and a note, if the video contains none."""
    recipe = parse_recipe(
        screen.lines,
        evidence.transcript,
        evidence.caption,
        title=evidence.title,
        language=language,
        transcript_language=evidence.transcript_language,
        transcript_source="speech" if evidence.transcript_source == "speech" else "subtitle",
        transcript_model=evidence.transcript_model,
        unread=screen.unread,
    )
    recipe.author = evidence.author or next(
        (handle.text for handle in screen.handles if handle.text.startswith("@")), None
    )
    recipe.source_url = evidence.url
    recipe.thumbnail = evidence.thumbnail.name if evidence.thumbnail else None
    is_empty = not recipe.ingredients and not recipe.steps
    if evidence.transcript_gap and (is_empty or evidence.is_speech_unknown):
        recipe.notes.append(GAP_SENTENCES[evidence.transcript_gap])
    return recipe


MAKERS: dict[type[BaseModel], Maker] = {Recipe: make_recipe, Reel: make_reel, VideoSummary: make_summary}
"""Makers by the model of a kind's result."""
