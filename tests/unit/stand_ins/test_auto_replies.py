"""The stand-ins through our providers: the real SDKs over HTTP, for everything that a provider does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from infra.stand_ins.services import stand_in_services
from shared.ai.fallback import PROVIDERS
from shared.ai.provider import AudioClip, Provider, Turn
from shared.ai.usage import Meter
from shared.analyses.kinds import Kind
from shared.settings import read_settings
from tests.recipe_samples import evidence, no_tick
from tests.sounds import flac_header


@pytest.fixture(scope="module", params=["gemini", "openai"])
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    environ: dict[str, str] = {}
    with stand_in_services(environ):
        yield PROVIDERS[request.param].create(read_settings(environ), Meter())


class Move(BaseModel):
    name: str = Field(description="Of the trick.")
    second: float = Field(ge=0)
    grade: int = Field(ge=1, le=10)


class Tricks(BaseModel):
    moves: list[Move] = Field(min_length=3, max_length=4)


def test_a_kind_that_nobody_knows_is_answered(provider: Provider, tmp_path: Path) -> None:
    """A developer who adds a kind sees results of its form at once, from either service."""
    kind = Kind("tricks", "Skateboarding.", ("extract", "analyze", "persist"), Tricks, prompt="List the tricks.")
    analysis = provider.analyze(kind, evidence(tmp_path, source=b"x" * 1000), "en", no_tick)
    moves = Tricks.model_validate(analysis.result).moves
    assert [move.name for move in moves] == ["Made up: name"] * 3
    assert analysis.usage.provider == provider.name
    assert analysis.usage.cost_usd == 0


@pytest.mark.parametrize("seconds", [0.2, 9.0, 600.0])
def test_a_sound_gets_words_of_its_length(provider: Provider, tmp_path: Path, seconds: float) -> None:
    """Every sound that is long enough for a word gets some, up to its end and not beyond."""
    path = tmp_path / "sound.flac"
    path.write_bytes(flac_header(int(seconds * 16_000)))
    heard = provider.transcribe(AudioClip(path, seconds), no_tick)
    assert bool(heard.segments) == (seconds > 1)
    if heard.segments:
        assert "made up" in heard.segments[0].text
        assert heard.language == "en"
        assert seconds - 2 < heard.segments[-1].end <= seconds


def test_a_large_sound_is_heard_too(provider: Provider, tmp_path: Path) -> None:
    """What does not fit into a request, and goes by the Files API where there is one, gets words, too."""
    path = tmp_path / "sound.flac"
    path.write_bytes(flac_header(900 * 16_000) + bytes(15_000_000))
    assert provider.transcribe(AudioClip(path, 900), no_tick).segments[-1].end > 890


def test_passages_are_found_by_their_words(provider: Provider) -> None:
    """A search with made-up vectors finds the passage that shares words with the question."""
    passages = provider.embed(["Slice the tomatoes and bake them", "My bicycle has a flat tyre"], "document", no_tick)
    question = provider.embed(["How long are tomatoes baked?"], "query", no_tick).vectors[0]
    near = [sum(one * other for one, other in zip(question, vector, strict=True)) for vector in passages.vectors]
    assert near[0] > 2 * near[1]


def test_a_conversation_is_streamed(provider: Provider) -> None:
    """Who chats gets an answer in pieces that quotes the last thing they asked, and says that it is made up."""
    turns = [Turn("user", "Hello"), Turn("assistant", "Hello!"), Turn("user", "How much salt?")]
    pieces = list(provider.chat("Be kind.", turns, no_tick))
    assert len(pieces) > 3
    assert "“How much salt?”" in "".join(pieces)
    assert "made up" in "".join(pieces)
