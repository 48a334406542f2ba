"""What the stand-ins for AI services make up: always of the right form, never passed off as anything else."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.demo.recipe import recipe_differences
from infra.stand_ins.synthesis import (
    audio_digest,
    fill_schema,
    flac_duration,
    make_chat_reply,
    make_speech_segments,
    make_structured_output,
    word_hash_embedding,
)
from shared.ai.prompt import data_block, instructions
from shared.ai.speech import is_repetitive, normalize_segments
from shared.ai.structured_output import answer_schema
from shared.analyses.kinds import Kind, kinds
from shared.analyses.recipe import Recipe
from shared.analyses.reel import Reel
from shared.analyses.summary import VideoSummary
from tests.recipe_samples import evidence
from tests.sounds import flac_header

BOUNDS = st.integers(-1000, 1000)


def numbers(type: str) -> st.SearchStrategy[dict[str, Any]]:
    bounded = st.tuples(BOUNDS, BOUNDS).map(lambda two: {"type": type, "minimum": min(two), "maximum": max(two)})
    return st.one_of(
        st.just({"type": type}),
        BOUNDS.map(lambda bound: {"type": type, "minimum": bound}),
        BOUNDS.map(lambda bound: {"type": type, "maximum": bound}),
        bounded,
    )


def lists(items: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.one_of(
        st.just({}),
        st.integers(0, 6).map(lambda least: {"minItems": least}),
        st.integers(0, 6).map(lambda most: {"maxItems": most}),
        st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda two: {"minItems": min(two), "maxItems": max(two)}),
    )
    return st.tuples(items, lengths).map(lambda both: {"type": "array", "items": both[0], **both[1]})


def objects(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    named = st.dictionaries(st.text("abc", min_size=1, max_size=3), parts, min_size=1, max_size=4)
    return named.map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


SCHEMAS = objects(
    st.recursive(
        st.one_of(
            st.sampled_from([{"type": "string"}, {"type": "boolean"}, {"type": "null"}, {"enum": ["a", 2, None]}]),
            numbers("number"),
            numbers("integer"),
        ),
        lambda parts: st.one_of(
            lists(parts), objects(parts), parts.map(lambda part: {"anyOf": [{"type": "null"}, part]})
        ),
        max_leaves=8,
    )
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether the value is one that the schema takes (JSON Schema 2020-12, the keywords that answers' schemas have)."""
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(fits(value, option) for option in schema["anyOf"])
    match schema["type"]:
        case "object":
            parts = schema["properties"]
            if not isinstance(value, dict) or value.keys() != parts.keys():
                return False
            return all(fits(value[name], part) for name, part in parts.items())
        case "array":
            if not isinstance(value, list):
                return False
            long_enough = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
            return long_enough and all(fits(one, schema["items"]) for one in value)
        case "number" | "integer":
            whole = isinstance(value, int if schema["type"] == "integer" else int | float)
            return whole and schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
    return type(value) is {"string": str, "boolean": bool, "null": type(None)}[schema["type"]]


@given(SCHEMAS, st.floats(0, 20_000))
def test_any_form_can_be_filled_in(schema: dict[str, Any], duration: float) -> None:
    """A developer's new kind gets an answer that keeps to its schema, whatever that is, and the same each time."""
    answer = fill_schema(schema, duration)
    assert fits(answer, schema)
    assert fill_schema(schema, duration) == answer


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.prompt], ids=lambda kind: kind.name)
@pytest.mark.parametrize("duration", [0.5, 19.6, 7200])
def test_every_kind_is_answered(kind: Kind, duration: float, tmp_path: Any) -> None:
    """Asked for any of our kinds, the stand-in gives what the kind takes, with times inside the video."""
    video = evidence(tmp_path)
    video = evidence(tmp_path, info=video.info.model_copy(update={"duration_sec": duration}))
    schema = answer_schema(kind.schema)
    answer = make_structured_output(schema, instructions(kind, video, "de"))
    assert fits(answer, schema)
    assert "made up" in str(answer).lower()
    result = kind.schema.model_validate(answer)
    assert all(0 <= time <= duration for time in times_in(result))


def times_in(result: Any) -> list[float]:
    if isinstance(result, Recipe):
        sightings = [one.seen for one in (*result.ingredients, *result.steps)] + [result.title_seen]
        return [one.time for one in sightings if one and one.time is not None] + [result.best_frame_time or 0]
    if isinstance(result, Reel):
        return [time for scene in result.script for time in (scene.start, scene.end)]
    assert isinstance(result, VideoSummary)
    return [one.start for one in (*result.key_points, *result.chapters) if one.start is not None]


def test_of_the_demo_it_tells_the_truth(tmp_path: Any) -> None:
    """The recipe that a developer is shown for the demo's video is the one that is in it."""
    recipe = kinds()["recipe"]
    answer = make_structured_output(answer_schema(Recipe), instructions(recipe, evidence(tmp_path), "en"))
    assert recipe_differences(Recipe.model_validate(answer), 30.0) == []


@given(st.integers(1, 20 * 60 * 16_000), st.binary(max_size=8))
def test_words_fit_the_sound(samples: int, rest: bytes) -> None:
    """However long a sound is, its words are inside it, in order, and none that our own checks would throw away."""
    sound = flac_header(samples) + rest
    seconds = samples / 16_000
    assert flac_duration(sound) == seconds
    segments = make_speech_segments(sound)
    assert segments == make_speech_segments(sound)
    assert normalize_segments(segments, seconds) == segments
    assert not is_repetitive([segment.text for segment in segments])
    words = [word for segment in segments for word in segment.words]
    assert all(one.end <= after.start for one, after in pairwise(words))
    assert len(words) >= int(seconds)
    assert seconds < 4 or audio_digest(sound) in segments[0].text


@pytest.mark.parametrize("sound", [b"", b"RIFF" + bytes(60), flac_header(0), flac_header(16_000)[:30]])
def test_what_has_no_length_is_refused(sound: bytes) -> None:
    """What is no sound, or does not say how long it is, gets no words."""
    with pytest.raises(ValueError, match="FLAC"):
        make_speech_segments(sound)


def test_similar_texts_lie_near_each_other() -> None:
    """A question finds the passage with its words before one without them; all vectors have the length 1."""
    passages = ["Slice the tomatoes and bake them", "My bicycle has a flat tyre", ""]
    question, *vectors = (word_hash_embedding(text, 768) for text in ("how are tomatoes baked?", *passages))
    similarities = [sum(one * other for one, other in zip(question, passage, strict=True)) for passage in vectors]
    assert similarities[0] > 0.3 > similarities[1]
    assert all(math.hypot(*one) == pytest.approx(1) for one in vectors)
    assert word_hash_embedding("tomatoes", 768) == word_hash_embedding("tomatoes", 768)


def test_a_conversation_quotes_the_question() -> None:
    """Who talks to the stand-in sees their question come back, in pieces, and that nobody has read it."""
    pieces = make_chat_reply("Be kind.", "How much salt?")
    assert len(pieces) > 5
    assert "“How much salt?”" in "".join(pieces)
    assert "made up" in "".join(pieces)


def test_a_made_up_answer_cites_a_passage() -> None:
    """A developer without a key sees citations, too."""
    data = {"question": "How much?", "passages": [{"number": 1, "text": "A pinch <of> it."}]}
    answer = "".join(make_chat_reply("Be kind.", data_block(data)))
    assert "“How much?”" in answer
    assert answer.endswith("“A pinch <of> it.” [1]")
