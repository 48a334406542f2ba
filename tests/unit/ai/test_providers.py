"""Which provider is asked, and which one next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.fakes import gemini_server, openai_server
from infra.fakes.gemini_server import GeminiServer
from infra.fakes.openai_server import OpenAIServer
from shared.ai import gemini_calls
from shared.ai.meter import Meter
from shared.ai.provider import Analysis
from shared.ai.providers import order_for, provider_for
from shared.analyses.kinds import Kind, kind_named
from shared.errors import PermanentError, TransientError
from shared.models.recipe import Ingredient
from shared.settings import Settings, SettingsError, read_settings
from tests.kitchen import answer, evidence, no_tick

RECIPE = kind_named("recipe")
KEYS = {"OPENAI_API_KEY": openai_server.KEY, "GEMINI_API_KEY": gemini_server.KEY}


@pytest.mark.parametrize(
    ("environ", "order"),
    [
        ({}, ["offline"]),
        ({"OPENAI_API_KEY": "k"}, ["openai"]),
        ({"GEMINI_API_KEY": "k"}, ["gemini"]),
        (KEYS, ["gemini", "openai"]),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, ["openai"]),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true"}, ["gemini"]),
        (KEYS | {"AI_PROVIDER": "offline"}, ["offline"]),
        ({"AI_PROVIDER": "openai,gemini,offline"}, ["openai", "gemini", "offline"]),
        (KEYS | {"AI_PROVIDER": "offline", "AI_PROVIDER_RECIPE": "openai"}, ["openai"]),
        (KEYS | {"AI_PROVIDER": "offline", "AI_PROVIDER_RECIPE": "auto"}, ["gemini", "openai"]),
        (KEYS | {"AI_PROVIDER_REEL": "offline"}, ["gemini", "openai"]),
    ],
)
def test_configuration_chooses(environ: dict[str, str], order: list[str]) -> None:
    """By itself the one with a key is asked; one setting names another order, one per kind overrides it."""
    assert order_for("recipe", read_settings(environ)) == order


@pytest.mark.parametrize("key", ["AI_PROVIDER", "AI_PROVIDER_RECIPE"])
def test_an_unknown_provider_stops_the_start(key: str) -> None:
    """A misspelt provider is found at the start, by the name of its variable."""
    with pytest.raises(SettingsError, match=f"^{key}:"):
        read_settings({key: "opneai"})


def test_keys_are_not_shown() -> None:
    """Settings can be logged: no key is in what they print."""
    shown = repr(read_settings({"OPENAI_API_KEY": "s3cret", "GEMINI_API_KEY": "s3cret", "SIGNING_KEY": "s3cret"}))
    assert "s3cret" not in shown
    assert "gpt-5.4-mini" in shown


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    monkeypatch.setattr(gemini_calls, "FIRST_PAUSE_SEC", 0.01)
    with GeminiServer() as server:
        yield server


def configured(openai: OpenAIServer, gemini: GeminiServer, order: str) -> Settings:
    return read_settings(
        KEYS | {"OPENAI_BASE_URL": openai.base_url, "GOOGLE_GEMINI_BASE_URL": gemini.url, "AI_PROVIDER": order}
    )


def analyze(settings: Settings, folder: Path, kind: Kind = RECIPE, **changes: Any) -> Analysis:
    given = replace(evidence(folder, source=b"video"), **changes)
    return provider_for(kind, settings, Meter()).analyze(kind, given, "en", no_tick)


def test_another_stands_in_for_one_that_is_down(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """While the first choice is down the second one answers, and the result says so."""
    gemini.then(*[gemini_server.failed(503)] * 3)
    openai.then(openai_server.answers(answer()))
    usage = analyze(configured(openai, gemini, "auto"), tmp_path).usage
    assert (usage.provider, usage.model) == ("openai", "gpt-5.4-mini")
    assert usage.notes == ["The provider gemini was not available (provider_unavailable)."]
    assert (len(gemini.asked), len(openai.asked)) == (3, 1)


def test_what_the_one_that_failed_cost_is_counted(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """Two useless answers of one provider are paid for beside the good one of the other."""
    openai.then(*[openai_server.completion("no JSON")] * 2)
    gemini.then(gemini_server.answers(answer()))
    usage = analyze(configured(openai, gemini, "openai,gemini"), tmp_path).usage
    assert usage.provider == "gemini"
    assert usage.tokens_in == 2 * 1000 + 3000
    assert usage.cost_usd == pytest.approx(2 * 0.00165 + 0.0019)


def test_the_offline_provider_can_be_the_last(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """With `offline` at the end of the order a result comes even when all others are down."""
    openai.then(*[openai_server.busy()] * 3)
    usage = analyze(configured(openai, gemini, "openai,offline"), tmp_path).usage
    assert usage.provider == "offline"
    assert usage.notes == ["The provider openai was not available (provider_busy)."]


def test_offline_never_fetches_the_video(tmp_path: Path) -> None:
    """Who works from what was extracted does not pay for the video again."""

    def fetch() -> Path:
        raise AssertionError("the video was fetched")

    assert analyze(read_settings({}), tmp_path, source=fetch).usage.provider == "offline"


def test_when_all_are_down_it_is_tried_later(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """A job does not fail for good because every service has a bad minute."""
    openai.then(*[openai_server.busy()] * 3)
    gemini.then(*[gemini_server.failed(500)] * 3)
    with pytest.raises(TransientError):
        analyze(configured(openai, gemini, "openai,gemini"), tmp_path)
    openai.then(*[openai_server.busy()] * 3)
    other = replace(RECIPE, name="other", schema=Ingredient, complete=None)
    with pytest.raises(TransientError):
        analyze(configured(openai, gemini, "openai,offline"), tmp_path, other)


def test_a_wrong_key_is_not_hidden(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """A mistake in the configuration fails the job with its reason; nobody stands in for it."""
    settings = replace(configured(openai, gemini, "openai,gemini"), openai_api_key="wrong")
    with pytest.raises(PermanentError) as caught:
        analyze(settings, tmp_path)
    assert caught.value.code == "provider_key_invalid"
    assert gemini.asked == []


def test_without_any_provider_a_kind_says_so(tmp_path: Path) -> None:
    """A kind that cannot be made offline names what to do."""
    other = replace(RECIPE, name="other", schema=Ingredient)
    with pytest.raises(PermanentError) as caught:
        analyze(read_settings({}), tmp_path, other)
    assert caught.value.code == "provider_cannot"
