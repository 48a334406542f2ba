"""The schema that answers must follow."""

from __future__ import annotations

from typing import Any

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel

from infra.stand_ins.gemini_requests import schema_problems
from infra.stand_ins.openai_requests import strict_problems
from shared.ai.structured_output import answer_schema, drop_unknown_properties
from shared.analyses.kinds import kinds
from shared.analyses.recipe import Recipe
from tests.recipe_samples import answer


class Loop(BaseModel):
    inner: Loop | None = None


class Free(BaseModel):
    anything: dict[str, Any]


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.prompt], ids=lambda kind: kind.name)
def test_every_kind_can_be_asked_for(kind: Any) -> None:
    """Both services take the schema of every kind that has a prompt."""
    schema = answer_schema(kind.schema)
    assert strict_problems(schema) == []
    assert schema_problems(schema) == []


def test_it_has_what_the_model_has() -> None:
    """But for what is ours to say, the schema has the same properties as the one the vendor's SDK makes."""
    ours = answer_schema(Recipe)["properties"].keys()
    theirs = to_strict_json_schema(Recipe)["properties"].keys()
    assert theirs - ours == {"language", "sourceUrl", "thumbnail", "confidence", "notes"}
    assert ours <= theirs


@pytest.mark.parametrize("model", [Loop, Free])
def test_what_cannot_be_said_is_refused(model: type[BaseModel]) -> None:
    """A kind whose schema strict mode would refuse is found before any call is paid for."""
    with pytest.raises(ValueError, match="cannot"):
        answer_schema(model)


def test_a_model_cannot_say_what_is_ours() -> None:
    """Usage, provider, thumbnail, frames: what a model adds to its answer is dropped, at every depth."""
    said = answer(thumbnail="../secret", confidence=1, usage={"costUsd": 0}, provider="free")
    said["ingredients"][0]["seen"]["frame"] = "frames/../../x.jpg"
    assert drop_unknown_properties(said, answer_schema(Recipe)) == answer()
