"""OpenAI behind the provider protocol: its own SDK, over HTTP, against a server that checks each request."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins import openai_server as fake
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.structured_output import EXTENDED_ANSWER_TOKENS, MAX_ANSWER_TOKENS
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.analyses.recipe import Recipe
from shared.errors import Cancelled, PermanentError, TransientError
from shared.settings import Settings
from tests.recipe_samples import answer, evidence, invalid_answer, no_tick, samples_showing
from tests.server import eventually

RECIPE = kind_named("recipe")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as service:
        yield service


def provider(server: OpenAIServer, meter: Meter | None = None, **changes: Any) -> OpenAIProvider:
    given = {"openai_api_key": fake.KEY, "openai_base_url": server.base_url, "ai_timeout_sec": 5} | changes
    return OpenAIProvider(Settings(**given), meter or Meter())


def recipe(server: OpenAIServer, given: Evidence, **changes: Any) -> Recipe:
    result = provider(server, **changes).analyze(RECIPE, given, "en", no_tick).result
    assert isinstance(result, Recipe)
    return result


def test_a_video_becomes_a_recipe(server: OpenAIServer, tmp_path: Path) -> None:
    """Key frames and texts go out, a recipe comes back, with what it took and what it cost."""
    server.queue_replies(fake.json_reply(answer()))
    analysis = provider(server).analyze(RECIPE, evidence(tmp_path), "de", no_tick)
    made = analysis.result
    assert isinstance(made, Recipe)
    assert [(one.name, one.amount, one.unit) for one in made.ingredients] == [
        ("tomatoes", 800, "g"),
        ("salt", None, None),
    ]
    usage = analysis.usage
    assert (usage.provider, usage.model, usage.prompt_version) == ("openai", "gpt-5.4-mini", RECIPE.prompt_version)
    assert (usage.tokens_in, usage.tokens_out, usage.frames) == (1000, 200, 2)
    assert usage.cost_usd == pytest.approx((1000 * 0.75 + 200 * 4.5) / 1e6)
    body = server.requests[0].json
    assert body["model"] == "gpt-5.4-mini"
    assert body["response_format"]["json_schema"]["strict"] is True
    pictures = [part for part in body["messages"][1]["content"] if part["type"] == "image_url"]
    assert [part["image_url"]["detail"] for part in pictures] == ["low", "low"]


def test_what_is_stored_is_believed_over_the_model(server: OpenAIServer, tmp_path: Path) -> None:
    """Times lie within the video, frames are stored ones, and nobody's word changes source, thumbnail or language."""
    said = answer(thumbnail="x.jpg", sourceUrl="https://evil.example", notes=["cheap"], language="tlh", confidence=1)
    said["ingredients"][0]["seen"]["frame"] = "frames/99.jpg"
    server.queue_replies(fake.json_reply(said))
    made = recipe(server, evidence(tmp_path))
    tomatoes, salt = made.ingredients
    assert tomatoes.seen
    assert (tomatoes.seen.time, tomatoes.seen.frame) == (4.2, "frames/01.jpg")
    assert salt.seen
    assert (salt.seen.time, salt.seen.frame) == (None, None)
    assert made.steps[0].number == 1
    assert made.steps[0].seen
    assert made.steps[0].seen.time == 30.0
    assert made.title_seen
    assert (made.title_seen.time, made.title_seen.frame) == (0.0, None)
    assert (made.thumbnail, made.source_url, made.author) == ("thumbnail.jpg", "https://example.org/soup", "@soupcook")
    assert (made.language, made.notes, made.confidence) == ("en", [], 0.8)


def test_words_on_the_screen_are_read_here(server: OpenAIServer, tmp_path: Path) -> None:
    """What stands on the screen goes in as text with its time, so that small pictures suffice."""
    server.queue_replies(fake.json_reply(answer()))
    recipe(server, evidence(tmp_path, samples=samples_showing("500 g flour", tmp_path)))
    assert "500 g flour" in server.requests[0].json["messages"][1]["content"][-1]["text"]


def test_the_video_itself_is_never_fetched(server: OpenAIServer, tmp_path: Path) -> None:
    """A provider that looks at frames does not pay for the download of the video."""

    def fetch() -> Path:
        raise AssertionError("the video was fetched")

    server.queue_replies(fake.json_reply(answer()))
    recipe(server, replace(evidence(tmp_path), source=fetch))


def test_a_cut_short_answer_gets_more_room_once(server: OpenAIServer, tmp_path: Path) -> None:
    """An answer that did not fit is asked for again with twice the room, and both calls are paid for."""
    meter = Meter()
    server.queue_replies(fake.token_limit_reply(answer()), fake.json_reply(answer()))
    provider(server, meter).analyze(RECIPE, evidence(tmp_path), "en", no_tick)
    assert [asked.json["max_completion_tokens"] for asked in server.requests] == [
        MAX_ANSWER_TOKENS,
        EXTENDED_ANSWER_TOKENS,
    ]
    assert meter.usage.tokens_out == 400


def test_a_wrong_answer_is_repaired_once(server: OpenAIServer, tmp_path: Path) -> None:
    """An answer that misses the schema goes back with what is wrong, and the repaired one counts."""
    server.queue_replies(fake.json_reply(invalid_answer()), fake.json_reply(answer()))
    assert recipe(server, evidence(tmp_path)).title == "Tomato soup"
    first, second = (asked.json["messages"] for asked in server.requests)
    assert second[:2] == first
    assert second[2]["role"] == "assistant"
    assert "ingredients.0.name" in second[3]["content"]
    assert "servings" in second[3]["content"]


FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("refusal", [fake.refusal_reply()], PermanentError, "refused", 1),
    ("content filter", [fake.content_filter_reply()], PermanentError, "refused", 1),
    ("content policy", [fake.error_reply(400, code="content_policy_violation")], PermanentError, "refused", 1),
    ("twice too long", [fake.token_limit_reply(answer())] * 2, PermanentError, "answer_too_long", 2),
    ("twice no JSON", [fake.completion("Sure! Here it is:")] * 2, TransientError, "answer_invalid", 2),
    ("twice nested without end", [fake.completion("[" * 50_000)] * 2, TransientError, "answer_invalid", 2),
    ("twice huge", [fake.completion("9" * 300_000)] * 2, PermanentError, "answer_too_long", 2),
    ("twice not a number", [fake.completion('{"title": NaN}')] * 2, TransientError, "answer_invalid", 2),
    ("twice wrong", [fake.json_reply(invalid_answer())] * 2, TransientError, "answer_invalid", 2),
    ("long, wrong, long", [fake.token_limit_reply(answer()), fake.json_reply({}), fake.token_limit_reply({})],
     PermanentError, "answer_too_long", 3),
    ("always busy", [fake.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("always down", [fake.error_reply(500, retry_after="0.01")] * 3, TransientError, "provider_unavailable", 3),
    ("no quota", [fake.error_reply(429, code="insufficient_quota", retry_after="0.01")] * 3, TransientError,
     "provider_quota", 3),
    ("busy for an hour", [fake.rate_limit_reply("3600")], TransientError, "provider_busy", 1),
    ("always cut off", [fake.disconnect_reply(answer())], TransientError, "provider_unavailable", 1),
    ("half a body", [Reply(fake.json_reply(answer()).body[:100])], TransientError, "provider_unavailable", 1),
    ("no choices", [Reply(fake.json_reply(answer()).value | {"choices": []})], TransientError,
     "provider_unavailable", 1),
    ("forbidden", [fake.error_reply(403)], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [fake.error_reply(404, code="model_not_found")], PermanentError, "provider_model_missing", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failure_ends_soon_and_says_what_it_is(
    server: OpenAIServer, tmp_path: Path, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure of the service becomes one error with a code and a sentence, after a bounded number of calls."""
    server.queue_replies(*replies)
    with pytest.raises(kind) as caught:
        recipe(server, evidence(tmp_path))
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")
    assert fake.KEY not in str(caught.value)
    assert len(server.requests) == calls
    assert not server.queue


def test_a_short_pause_is_waited_out(server: OpenAIServer, tmp_path: Path) -> None:
    """A service that is busy for a moment does not fail the job."""
    server.queue_replies(fake.rate_limit_reply(), fake.error_reply(503, retry_after="0.01"), fake.json_reply(answer()))
    assert recipe(server, evidence(tmp_path)).title == "Tomato soup"
    assert len(server.requests) == 3


def test_silence_is_not_waited_for_forever(server: OpenAIServer, tmp_path: Path) -> None:
    """A service that never answers is given up after the timeout, three times."""
    server.queue_replies(*[fake.SILENT] * 3)
    with pytest.raises(TransientError) as caught:
        recipe(server, evidence(tmp_path), ai_timeout_sec=0.2)
    assert caught.value.code == "provider_unavailable"
    eventually(lambda: len(server.requests) == 3)


def test_nobody_there_is_a_passing_trouble(tmp_path: Path) -> None:
    """A service that cannot be reached is tried again later."""
    with OpenAIServer() as gone:
        pass
    with pytest.raises(TransientError) as caught:
        recipe(gone, evidence(tmp_path))
    assert caught.value.code == "provider_unavailable"


def test_a_wrong_key_is_told(server: OpenAIServer, tmp_path: Path) -> None:
    """A key that is not taken fails the job at once, names the variable, and does not show the key."""
    with pytest.raises(PermanentError) as caught:
        recipe(server, evidence(tmp_path), openai_api_key="sk-wrong")
    assert caught.value.code == "provider_key_invalid"
    assert "OPENAI_API_KEY" in caught.value.message
    assert "sk-wrong" not in caught.value.message
    assert len(server.requests) == 1


def test_without_a_key_nothing_is_sent() -> None:
    """OpenAI that is chosen but has no key says which variable to set."""
    with pytest.raises(PermanentError) as caught:
        OpenAIProvider(Settings(), Meter()).embed(["soup"], "query", no_tick)
    assert caught.value.code == "provider_key_missing"


def cancel_at(number: int) -> Callable[[float, str], None]:
    calls = iter(range(1, 100))

    def tick(_: float, __: str) -> None:
        if next(calls) == number:
            raise Cancelled("job")

    return tick


def test_cancelling_stops_before_the_next_call(server: OpenAIServer, tmp_path: Path) -> None:
    """A job that is cancelled while an answer is on its way makes no second call."""
    server.queue_replies(fake.token_limit_reply(answer()))
    with pytest.raises(Cancelled):
        provider(server).analyze(RECIPE, evidence(tmp_path), "en", cancel_at(2))
    assert len(server.requests) == 1


def test_calls_that_failed_are_paid_for(server: OpenAIServer, tmp_path: Path) -> None:
    """A refusal costs what it costs: it is counted although there is no result."""
    costs: list[float] = []
    server.queue_replies(fake.refusal_reply())
    with pytest.raises(PermanentError):
        provider(server, Meter(book=costs.append)).analyze(RECIPE, evidence(tmp_path), "en", no_tick)
    assert costs == [pytest.approx(0.00165)]


def test_no_key_gets_into_the_log(server: OpenAIServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Even a log of everything that the SDK says holds no key."""
    caplog.set_level(logging.DEBUG)
    server.queue_replies(fake.rate_limit_reply(), fake.json_reply(answer()))
    recipe(server, evidence(tmp_path))
    assert len(caplog.text) > 100
    assert fake.KEY not in caplog.text


def test_a_model_without_a_price_costs_as_much_as_the_dearest(server: OpenAIServer, tmp_path: Path) -> None:
    """A model that is not in the table is not free: it counts as the dearest one, unless PRICES says otherwise."""
    server.queue_replies(fake.json_reply(answer()))
    usage = provider(server, openai_model="gpt-9").analyze(RECIPE, evidence(tmp_path), "en", no_tick).usage
    assert usage.cost_usd == pytest.approx((1000 * 10 + 200 * 50) / 1e6)
    assert usage.notes == [
        "The price of gpt-9 is unknown; its calls count as those of the provider's dearest model. Set PRICES to change"
        " that."
    ]
    server.queue_replies(fake.json_reply(answer()))
    changed = provider(server, openai_model="gpt-9", prices="gpt-9=1/2,other=0.1/min")
    usage = changed.analyze(RECIPE, evidence(tmp_path), "en", no_tick).usage
    assert (usage.cost_usd, usage.notes) == (pytest.approx((1000 * 1 + 200 * 2) / 1e6), [])


def test_neither_sdk_is_loaded_before_it_is_needed() -> None:
    """Functions that ask no AI, and analyses offline, do not pay for the SDKs."""
    script = (
        "import sys, functions.analyze.main, functions.api.main, shared.ai.openai.provider, shared.ai.gemini.provider\n"
        "assert not {'openai', 'google.genai', 'httpx2'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_module_that_the_sdk_reads_is_whole_before_the_first_call() -> None:
    """While another thread loads Gemini's SDK, which imports httpx, an error of OpenAI is still read as what it is."""
    code = """
import sys
from shared.ai.openai.endpoint import endpoint_for
from shared.ai.openai.client import create_client
from shared.settings import settings
create_client(endpoint_for("analyze", settings()), settings())
print(hasattr(sys.modules.get("httpx"), "HTTPStatusError"))
"""
    environ = os.environ | {"OPENAI_API_KEY": fake.KEY}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
    assert done.stdout.strip() == "True"
