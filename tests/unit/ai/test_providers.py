"""Which provider is asked, and which one next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply
from shared.ai.fallback import PROVIDERS, provider_for, provider_order
from shared.ai.gemini import client as gemini_calls
from shared.ai.provider import AnalysisResult, Provider, Task
from shared.ai.usage import Meter
from shared.analyses.kinds import Kind, kind_named
from shared.analyses.recipe import Ingredient
from shared.errors import PermanentError, TransientError
from shared.setting_types import PROVIDER_NAMES
from shared.settings import Settings, SettingsError, read_settings
from tests.recipe_samples import answer, evidence, no_tick, samples_showing
from tests.unit.ai.services import RULES, TURNS, sound_in

RECIPE = kind_named("recipe")
KEYS = {"OPENAI_API_KEY": openai_server.KEY, "GEMINI_API_KEY": gemini_server.KEY}


@pytest.mark.parametrize(
    ("environ", "order"),
    [
        ({}, ["offline"]),
        ({"OPENAI_API_KEY": "k"}, ["openai"]),
        ({"GEMINI_API_KEY": "k"}, ["gemini"]),
        (KEYS, ["gemini", "openai"]),
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, ["openai"]),
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
    assert provider_order("recipe", read_settings(environ)) == order


def test_every_provider_can_be_configured() -> None:
    """Each name that AI_PROVIDER accepts is a provider, and each provider's key is a setting."""
    assert set(PROVIDERS) == set(PROVIDER_NAMES)
    keys = {key for entry in PROVIDERS.values() for key in entry.key_settings}
    assert keys <= Settings.__dataclass_fields__.keys()


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
        KEYS
        | {"OPENAI_BASE_URL": openai.base_url, "GOOGLE_GEMINI_BASE_URL": gemini.url, "AI_PROVIDER": order}
        | {"SPEECH_MODEL": "off"}
    )


def analyze(settings: Settings, folder: Path, kind: Kind = RECIPE, **changes: Any) -> AnalysisResult:
    given = replace(evidence(folder, source=b"video"), **changes)
    return provider_for(kind, settings, Meter()).analyze(kind, given, "en", no_tick)


def test_another_stands_in_for_one_that_is_down(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """While the first choice is down the second one answers, and the result says so."""
    gemini.queue_replies(*[gemini_server.error_reply(503)] * 3)
    openai.queue_replies(openai_server.json_reply(answer()))
    usage = analyze(configured(openai, gemini, "auto"), tmp_path).usage
    assert (usage.provider, usage.model) == ("openai", "gpt-5.4-mini")
    assert usage.notes == ["The provider gemini was not available (provider_unavailable)."]
    assert (len(gemini.requests), len(openai.requests)) == (3, 1)


def test_what_the_one_that_failed_cost_is_counted(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """Two useless answers of one provider are paid for beside the good one of the other."""
    openai.queue_replies(*[openai_server.completion("no JSON")] * 2)
    gemini.queue_replies(gemini_server.json_reply(answer()))
    usage = analyze(configured(openai, gemini, "openai,gemini"), tmp_path).usage
    assert usage.provider == "gemini"
    assert usage.tokens_in == 2 * 1000 + 3000
    assert usage.cost_usd == pytest.approx(2 * 0.00165 + 0.0019)


def test_the_offline_provider_can_be_the_last(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """With `offline` at the end of the order a result comes even when all others are down."""
    openai.queue_replies(*[openai_server.rate_limit_reply()] * 3)
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
    openai.queue_replies(*[openai_server.rate_limit_reply()] * 3)
    gemini.queue_replies(*[gemini_server.error_reply(500)] * 3)
    with pytest.raises(TransientError):
        analyze(configured(openai, gemini, "openai,gemini"), tmp_path)
    openai.queue_replies(*[openai_server.rate_limit_reply()] * 3)
    other = replace(RECIPE, name="other", schema=Ingredient, complete=None)
    with pytest.raises(TransientError):
        analyze(configured(openai, gemini, "openai,offline"), tmp_path, other)


def test_a_wrong_key_is_not_hidden(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """A mistake in the configuration fails the job with its reason; nobody stands in for it."""
    settings = replace(configured(openai, gemini, "openai,gemini"), openai_api_key="wrong")
    with pytest.raises(PermanentError) as caught:
        analyze(settings, tmp_path)
    assert caught.value.code == "provider_key_invalid"
    assert gemini.requests == []


def test_without_any_provider_a_kind_says_so(tmp_path: Path) -> None:
    """A kind that cannot be made offline names what to do."""
    other = replace(RECIPE, name="other", schema=Ingredient)
    with pytest.raises(PermanentError) as caught:
        analyze(read_settings({}), tmp_path, other)
    assert caught.value.code == "provider_cannot"


def in_order(settings: Settings, meter: Meter | None = None) -> Provider:
    return provider_for(RECIPE, settings, meter or Meter())


HEARD = openai_server.text_transcription_reply("Stir.", "en", 10)
WHISPERED = gemini_server.transcription_reply(("00:01", "00:02", "Stir."))


def test_another_listens_for_one_that_is_down(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """While the first choice is down the second one listens, and the transcript says so."""
    gemini.queue_replies(*[gemini_server.error_reply(503)] * 3)
    openai.queue_replies(HEARD)
    heard = in_order(configured(openai, gemini, "auto")).transcribe(sound_in(tmp_path), no_tick)
    assert [one.text for one in heard.segments] == ["Stir."]
    assert (heard.usage.provider, heard.usage.model) == ("openai", "gpt-transcribe")
    assert heard.usage.notes[0] == "The provider gemini was not available (provider_unavailable)."


def test_a_retired_speech_model_falls_to_the_next_provider(
    openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path
) -> None:
    """From the day on which OpenAI ends Whisper, the next provider transcribes, and a note says why."""
    openai.queue_replies(openai_server.error_reply(404, "invalid_request_error", "model_not_found"))
    gemini.queue_replies(WHISPERED)
    settings = replace(configured(openai, gemini, "openai,gemini"), openai_transcribe_model="whisper-1")
    heard = in_order(settings).transcribe(sound_in(tmp_path), no_tick)
    assert [one.text for one in heard.segments] == ["Stir."]
    assert heard.usage.notes == [
        "The provider openai was skipped: OpenAI no longer has the model whisper-1."
        " Set OPENAI_TRANSCRIBE_MODEL to a model that it has."
    ]


def test_a_misspelt_model_falls_to_the_next_provider(
    openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path
) -> None:
    """A model that the service does not have ends no job that another provider can do; alone, it is named."""
    openai.queue_replies(openai_server.error_reply(404, "invalid_request_error", "model_not_found"))
    gemini.queue_replies(gemini_server.json_reply(answer()))
    usage = analyze(replace(configured(openai, gemini, "openai,gemini"), openai_model="gpt5"), tmp_path).usage
    assert (usage.provider, len(usage.notes)) == ("gemini", 1)
    gemini.queue_replies(gemini_server.error_reply(404, "NOT_FOUND"))
    with pytest.raises(PermanentError, match="GEMINI_MODEL") as caught:
        analyze(configured(openai, gemini, "gemini"), tmp_path)
    assert caught.value.code == "provider_model_missing"


@pytest.mark.parametrize(
    ("environ", "orders"),
    [
        ({}, {"analyze": ["offline"], "transcribe": ["offline"], "embed": ["offline"], "chat": ["offline"]}),
        ({"OPENAI_API_KEY": "k"}, {"analyze": ["openai"], "transcribe": ["openai", "offline"]}),
        (KEYS, {"transcribe": ["gemini", "openai", "offline"]}),
        ({"OPENAI_TRANSCRIBE_BASE_URL": "http://localhost:8000/v1"},
         {"analyze": ["offline"], "transcribe": ["openai", "offline"], "embed": ["offline"], "chat": ["offline"]}),
        ({"GEMINI_API_KEY": "k", "OPENAI_CHAT_BASE_URL": "http://localhost:11434/v1"},
         {"analyze": ["gemini"], "embed": ["gemini"], "chat": ["gemini", "openai"]}),
        (KEYS | {"AI_PROVIDER": "openai"}, {"transcribe": ["openai"]}),
    ],
)  # fmt: skip
def test_each_task_has_the_providers_that_can_do_it(environ: dict[str, str], orders: dict[Task, list[str]]) -> None:
    """A server for one task does not attract the others, and speech ends with this machine's model."""
    settings = read_settings(environ)
    assert {task: provider_order("recipe", settings, task) for task in orders} == orders


def test_who_cannot_listen_is_passed_over(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """Neither a provider without a speech model nor a server without transcription is worth a word."""
    openai.queue_replies(Reply({"detail": "Not Found"}, 404))
    gemini.queue_replies(WHISPERED)
    heard = in_order(configured(openai, gemini, "offline,openai,gemini")).transcribe(sound_in(tmp_path), no_tick)
    assert heard.usage.provider == "gemini"
    assert heard.usage.notes == []


def test_nobody_to_listen_is_told(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """Without anybody who can listen there is a sentence that says what to do; one who is down may yet come back."""
    with pytest.raises(PermanentError) as caught:
        in_order(read_settings({"SPEECH_MODEL": "off"})).transcribe(sound_in(tmp_path), no_tick)
    assert caught.value.code == "provider_cannot"
    assert "clipwise models install speech" in caught.value.message
    openai.queue_replies(*[openai_server.rate_limit_reply()] * 3)
    with pytest.raises(TransientError):
        in_order(configured(openai, gemini, "offline,openai")).transcribe(sound_in(tmp_path), no_tick)


def test_who_cannot_make_a_kind_is_passed_over(openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path) -> None:
    """A kind that the first of the order cannot make is made by the next."""
    gemini.queue_replies(gemini_server.json_reply(answer()["ingredients"][0]))
    other = replace(RECIPE, name="other", schema=Ingredient, complete=None)
    usage = analyze(configured(openai, gemini, "offline,gemini"), tmp_path, other).usage
    assert (usage.provider, usage.notes) == ("gemini", [])


def test_nobody_stands_in_for_vectors(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Vectors of two models cannot be compared: while theirs is down there are none, and who made some is told."""
    gemini.queue_replies(*[gemini_server.error_reply(503)] * 3)
    provider = in_order(configured(openai, gemini, "gemini,openai"))
    with pytest.raises(TransientError):
        provider.embed(["soup"], "query", no_tick)
    assert openai.requests == []
    usage = provider.embed(["soup"], "query", no_tick).usage
    assert (usage.provider, usage.model) == ("gemini", "gemini-embedding-001")


def test_another_answers_for_one_that_is_down(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """A conversation goes on with the second choice as long as nothing was said; the usage says so."""
    meter = Meter()
    gemini.queue_replies(*[gemini_server.rate_limit_reply()] * 3)
    openai.queue_replies(openai_server.stream_reply("Tomato ", "soup."))
    answered = in_order(configured(openai, gemini, "offline,gemini,openai"), meter).chat(RULES, TURNS, no_tick)
    assert list(answered) == ["Tomato ", "soup."]
    assert meter.usage.provider == "openai"
    assert meter.usage.notes == ["The provider gemini was not available (provider_busy)."]


def test_nobody_goes_on_with_anothers_answer(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """An answer that breaks off ends with an error; half of it from each would be nobody's word."""
    gemini.queue_replies(gemini_server.stream_reply("Tomato ", finish_reason=None))
    answered = in_order(configured(openai, gemini, "gemini,openai")).chat(RULES, TURNS, no_tick)
    assert next(answered) == "Tomato "
    with pytest.raises(TransientError):
        next(answered)
    assert openai.requests == []


def test_a_refusal_to_talk_is_not_hidden(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """What one provider declines is not asked of the next."""
    gemini.queue_replies(gemini_server.stream_reply(finish_reason="SAFETY"))
    with pytest.raises(PermanentError) as caught:
        list(in_order(configured(openai, gemini, "gemini,openai")).chat(RULES, TURNS, no_tick))
    assert caught.value.code == "refused"
    assert openai.requests == []


def test_the_screen_is_read_once(
    openai: OpenAIServer, gemini: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one service stands in for another, the costly reading of the screen is not done again."""
    from shared.ai.screen import reader

    readings = []
    real = reader.read_screen

    def read(*given: Any) -> Any:
        readings.append(given)
        return real(*given)

    monkeypatch.setattr(reader, "read_screen", read)
    openai.queue_replies(*[openai_server.rate_limit_reply()] * 3)
    samples = samples_showing("800 g tomatoes", tmp_path)
    usage = analyze(configured(openai, gemini, "openai,offline"), tmp_path, samples=samples).usage
    assert usage.provider == "offline"
    assert len(readings) == 1
