"""Which picture a recipe gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.analyses.recipe import Recipe
from tests.recipe_samples import answer, evidence
from tests.unit.analyses.served_provider import ServedProvider, offline


@pytest.mark.parametrize(
    ("time", "picture"),
    [
        (20.0, "frames/02.jpg"),
        (19.2, "frames/02.jpg"),
        (3.5, "frames/01.jpg"),
        (11.0, "thumbnail.jpg"),
        (-7.0, "thumbnail.jpg"),
        (1e9, "thumbnail.jpg"),
        (None, "thumbnail.jpg"),
    ],
)
def test_the_picture_is_the_stored_frame_that_the_model_chose(
    served: ServedProvider, time: float | None, picture: str, tmp_path: Path
) -> None:
    """The dish at its best is the recipe's picture; a time at which no frame is stored gives the frame at 10 %."""
    served.queue_answers(answer(bestFrameTime=time))
    recipe = served.analyze("recipe", evidence(tmp_path), "en")
    assert isinstance(recipe, Recipe)
    assert recipe.thumbnail == picture
    assert "bestFrameTime" not in recipe.to_json()
    assert "bestFrameTime" not in recipe.to_document()


def test_offline_nobody_sees_the_dish(tmp_path: Path) -> None:
    """Without a model that sees, the picture is the frame at 10 %."""
    recipe = offline("recipe", evidence(tmp_path))
    assert isinstance(recipe, Recipe)
    assert recipe.thumbnail == "thumbnail.jpg"


def test_clients_do_not_see_the_question() -> None:
    """The time that is asked of a model is in the schema for models and not in the one for clients."""
    assert "bestFrameTime" in Recipe.model_json_schema(mode="validation")["properties"]
    assert "bestFrameTime" not in Recipe.model_json_schema(mode="serialization")["properties"]
