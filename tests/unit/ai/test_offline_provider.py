"""The offline provider behind its protocol."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from shared.ai.offline.provider import OfflineProvider
from shared.ai.provider import Provider
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.analyses.recipe import Recipe
from shared.errors import Cancelled, PermanentError
from shared.models.media import MediaInfo
from shared.models.video import Frame
from tests.unit.ai.drawing import no_tick, picture, store_samples, subtitles

INFO = MediaInfo(container="mov,mp4", size_bytes=1, duration_sec=9, has_video=True, has_audio=False)


def analyze(evidence: Evidence, language: str = "en") -> Recipe:
    result = OfflineProvider().analyze(kind_named("recipe"), evidence, language, no_tick).result
    assert isinstance(result, Recipe)
    return result


def test_a_video_with_text_and_subtitles_becomes_a_recipe(tmp_path: Path) -> None:
    """Pictures go in, a recipe comes out, with author, source and thumbnail, and what it took."""
    images = [picture(["Zutaten", "1,5 kg Kartoffeln", "1 EL Öl", "@kochprofi"], seed) for seed in range(3)]
    thumbnail = Frame(name="thumbnail.jpg", time=1, width=320, height=569)
    evidence = Evidence(
        info=INFO, frames=[], samples=store_samples(images, tmp_path),
        transcript=subtitles("Die Kartoffeln 20 Minuten kochen."),
        transcript_source="subtitle", url="https://example.org/v", thumbnail=thumbnail,
    )  # fmt: skip
    analysis = OfflineProvider().analyze(kind_named("recipe"), evidence, "de", no_tick)
    recipe = analysis.result
    assert isinstance(recipe, Recipe)
    assert [(one.amount, one.unit, one.name) for one in recipe.ingredients] == [
        (1.5, "kg", "Kartoffeln"),
        (1, "tbsp", "Öl"),
    ]
    assert [(step.text, step.minutes) for step in recipe.steps] == [("Die Kartoffeln 20 Minuten kochen.", 20)]
    assert (recipe.language, recipe.author, recipe.source_url, recipe.thumbnail) == (
        "de", "@kochprofi", "https://example.org/v", "thumbnail.jpg",
    )  # fmt: skip
    usage = analysis.usage
    assert (usage.provider, usage.model, usage.frames, usage.cost_usd) == ("offline", "rapidocr/PP-OCRv6-small", 3, 0)
    assert usage.prompt_version == kind_named("recipe").prompt_version


def test_an_empty_video_gives_an_empty_recipe() -> None:
    """No text, no subtitles, no caption: an empty result that says so, not an error."""
    recipe = analyze(Evidence(info=INFO, frames=[], samples=[]))
    assert (recipe.ingredients, recipe.steps, recipe.title, recipe.confidence) == ([], [], None, 0)
    assert len(recipe.notes) > 1


def test_the_title_of_its_source_is_used() -> None:
    """A video that shows no title has the one it was posted under, without its hashtags."""
    recipe = analyze(
        Evidence(info=INFO, frames=[], samples=[], title="Grandma's Apple Pie 🍎 #baking", author="grandma")
    )
    assert (recipe.title, recipe.author) == ("Grandma's Apple Pie", "grandma")


def test_words_from_speech_are_told_from_subtitles() -> None:
    """A sighting says whether words were heard or stood in a subtitle track."""
    evidence = Evidence(
        info=INFO, frames=[], samples=[], transcript=subtitles("Add two cups of flour."), transcript_source="speech"
    )
    (flour,) = analyze(evidence).ingredients
    assert flour.seen is not None
    assert flour.seen.source == "speech"


def test_other_kinds_are_refused() -> None:
    """What it cannot do it says at once, in a sentence that names the kind."""
    kind = dataclasses.replace(kind_named("metadata"), name="reel")
    with pytest.raises(PermanentError, match="reel") as caught:
        OfflineProvider().analyze(kind, Evidence(info=INFO, frames=[], samples=[]), "en", no_tick)
    assert caught.value.code == "provider_cannot"


def test_cancelling_stops_it(tmp_path: Path) -> None:
    """A cancelled job does not read on."""

    def cancel(done: float, doing: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        OfflineProvider().analyze(
            kind_named("recipe"),
            Evidence(info=INFO, frames=[], samples=store_samples([picture([])], tmp_path)),
            "en",
            cancel,
        )


def test_it_keeps_to_the_protocol() -> None:
    """It stands wherever a provider is asked for."""
    provider: Provider = OfflineProvider()
    assert provider.name == "offline"


def test_importing_it_loads_nothing_heavy() -> None:
    """Functions that only name the provider stay small: no recogniser, no OpenCV, no numpy."""
    heavy = {"rapidocr", "onnxruntime", "cv2", "numpy", "av"}
    code = f"import shared.ai.offline.provider, sys; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
