"""Conversation through both services: their own SDKs, over HTTP, against servers that check each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply
from shared.ai.gemini import client as gemini_calls
from shared.ai.provider import ESTIMATE_NOTE, MAX_CHAT_TOKENS, Provider
from shared.ai.usage import Meter
from shared.errors import Cancelled, PermanentError, TransientError
from tests.recipe_samples import no_tick
from tests.server import eventually
from tests.unit.ai.services import RULES, TURNS, gemini_at, openai_at

PIECES = ("It is ", "tomato ", "soup.")


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    monkeypatch.setattr(gemini_calls, "FIRST_PAUSE_SEC", 0.01)
    with GeminiServer() as server:
        yield server


def said(provider: Provider) -> list[str]:
    return list(provider.chat(RULES, TURNS, no_tick))


def test_openai_answers_in_pieces(openai: OpenAIServer) -> None:
    """The answer comes as it is made, to the whole conversation, and what it took is counted."""
    openai.queue_replies(openai_server.stream_reply(*PIECES))
    meter = Meter()
    assert said(openai_at(openai, meter)) == [*PIECES]
    assert (meter.usage.provider, meter.usage.model) == ("openai", "gpt-5.4-mini")
    assert (meter.usage.tokens_in, meter.usage.tokens_out) == (1000, 200)
    assert meter.usage.cost_usd == pytest.approx(0.00165)
    assert meter.usage.notes == []
    body = openai.requests[0].json
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == RULES
    assert (body["stream"], body["stream_options"], body["max_completion_tokens"]) == (
        True,
        {"include_usage": True},
        MAX_CHAT_TOKENS,
    )


def test_gemini_answers_in_pieces(gemini: GeminiServer) -> None:
    """The answer comes as it is made, to the whole conversation, and what it took is counted once."""
    gemini.queue_replies(gemini_server.stream_reply(*PIECES))
    meter = Meter()
    assert said(gemini_at(gemini, meter)) == [*PIECES]
    assert (meter.usage.provider, meter.usage.model) == ("gemini", "gemini-3.5-flash-lite")
    assert (meter.usage.tokens_in, meter.usage.tokens_out) == (3000, 400)
    assert meter.usage.cost_usd == pytest.approx(0.0019)
    body = gemini.requests[0].json
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert body["systemInstruction"]["parts"][0]["text"] == RULES
    assert body["generationConfig"]["maxOutputTokens"] == MAX_CHAT_TOKENS


def test_vertex_answers_with_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Vertex AI no key is needed."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials.token = "identity"
    monkeypatch.setattr(google.auth, "default", lambda **_: (credentials, "project"))
    with GeminiServer(vertex=True) as server:
        server.queue_replies(gemini_server.stream_reply(*PIECES))
        given = {"google_genai_use_vertexai": True, "gemini_api_key": "", "google_cloud_project": "kitchen"}
        assert said(gemini_at(server, **given)) == [*PIECES]


def cut(reply: Reply) -> Reply:
    """Breaks off half way."""
    return Reply(reply.value, headers=reply.headers, cut=True)


def stalled(reply: Reply) -> Reply:
    """Falls silent half way."""
    return Reply(reply.value, headers=reply.headers, stalled=True)


OPENAI = openai_server.stream_reply
OPENAI_FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("refusal", [OPENAI(refusal="I can't help with that.")], PermanentError, "refused", 1),
    ("content filter", [OPENAI("It is", finish_reason="content_filter")], PermanentError, "refused", 1),
    ("content policy", [openai_server.error_reply(400, code="content_policy_violation")], PermanentError, "refused", 1),
    ("too long", [OPENAI(*PIECES, finish_reason="length")], PermanentError, "answer_too_long", 1),
    ("nothing said", [OPENAI()], TransientError, "provider_unavailable", 1),
    ("no end", [OPENAI(*PIECES, finish_reason=None)], TransientError, "provider_unavailable", 1),
    ("cut off", [cut(OPENAI(*PIECES))], TransientError, "provider_unavailable", 1),
    ("half an event", [Reply(b'data: {"choices": [\n\n', headers=OPENAI().headers)], TransientError,
     "provider_unavailable", 1),
    ("error in the middle", [OPENAI("It", error={"message": "Oops.", "type": "server_error", "code": None})],
     TransientError, "provider_unavailable", 1),
    ("busy in the middle", [OPENAI("It", error={"message": "Slow.", "code": "rate_limit_exceeded"})], TransientError,
     "provider_busy", 1),
    ("always busy", [openai_server.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("always down", [openai_server.error_reply(503, retry_after="0.01")] * 3, TransientError,
     "provider_unavailable", 3),
    ("forbidden", [openai_server.error_reply(403)], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [openai_server.error_reply(404, code="model_not_found")], PermanentError,
     "provider_model_missing", 1),
]  # fmt: skip
GEMINI = gemini_server.stream_reply
GEMINI_FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("prompt blocked", [Reply(b'data: {"promptFeedback": {"blockReason": "SAFETY"}}\r\n\r\n',
                              headers=GEMINI().headers)], PermanentError, "refused", 1),
    ("safety", [GEMINI("It is", finish_reason="SAFETY")], PermanentError, "refused", 1),
    ("too long", [GEMINI(*PIECES, finish_reason="MAX_TOKENS")], PermanentError, "answer_too_long", 1),
    ("to be continued", [GEMINI(*PIECES, finish_reason="CONTINUATION")], PermanentError, "answer_too_long", 1),
    ("other", [GEMINI("It is", finish_reason="OTHER")], TransientError, "provider_unavailable", 1),
    ("nothing said", [GEMINI()], TransientError, "provider_unavailable", 1),
    ("no end", [GEMINI(*PIECES, finish_reason=None)], TransientError, "provider_unavailable", 1),
    ("cut off", [cut(GEMINI(*PIECES))], TransientError, "provider_unavailable", 1),
    ("error in the middle", [GEMINI("It", error={"code": 503, "message": "Oops.", "status": "UNAVAILABLE"})],
     TransientError, "provider_unavailable", 1),
    ("busy in the middle", [GEMINI("It", error={"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED"})],
     TransientError, "provider_busy", 1),
    ("half an event", [Reply(b'data: {"candidates": [\r\n\r\n', headers=GEMINI().headers)] * 3, TransientError,
     "provider_unavailable", 3),
    ("always busy", [gemini_server.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("always down", [gemini_server.error_reply(500)] * 3, TransientError, "provider_unavailable", 3),
    ("forbidden", [gemini_server.error_reply(403, "PERMISSION_DENIED")], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [gemini_server.error_reply(404, "NOT_FOUND")], PermanentError, "provider_model_missing", 1),
]  # fmt: skip


def fails(provider: Provider, kind: type[Exception], code: str) -> None:
    with pytest.raises(kind) as caught:
        said(provider)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in OPENAI_FAILURES], ids=[row[0] for row in OPENAI_FAILURES]
)
def test_a_failure_of_openai_ends_soon_and_says_what_it_is(
    openai: OpenAIServer, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure, in the middle of an answer too, becomes one error, after a bounded number of calls."""
    openai.queue_replies(*replies)
    fails(openai_at(openai), kind, code)
    assert len(openai.requests) == calls
    assert not openai.queue


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in GEMINI_FAILURES], ids=[row[0] for row in GEMINI_FAILURES]
)
def test_a_failure_of_gemini_ends_soon_and_says_what_it_is(
    gemini: GeminiServer, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure, in the middle of an answer too, becomes one error, after a bounded number of calls."""
    gemini.queue_replies(*replies)
    fails(gemini_at(gemini), kind, code)
    assert len(gemini.requests) == calls
    assert not gemini.queue


def test_what_was_said_before_a_failure_is_shown(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """An answer that breaks off gave its beginning to the reader."""
    openai.queue_replies(openai_server.stream_reply(*PIECES, finish_reason=None))
    gemini.queue_replies(gemini_server.stream_reply(*PIECES, finish_reason=None))
    for provider in (openai_at(openai), gemini_at(gemini)):
        pieces = provider.chat(RULES, TURNS, no_tick)
        assert [next(pieces) for _ in PIECES] == [*PIECES]
        with pytest.raises(TransientError):
            next(pieces)


def test_silence_in_the_middle_is_not_waited_for_forever(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """An answer that stops coming is given up after the timeout, and not asked for again."""
    openai.queue_replies(stalled(openai_server.stream_reply(*PIECES * 5)))
    gemini.queue_replies(stalled(gemini_server.stream_reply(*PIECES * 5)))
    fails(openai_at(openai, ai_timeout_sec=1), TransientError, "provider_unavailable")
    fails(gemini_at(gemini, ai_timeout_sec=1), TransientError, "provider_unavailable")
    assert (len(openai.requests), len(gemini.requests)) == (1, 1)


def test_silence_from_the_start_is_not_waited_for_forever(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Services that never answer are given up after the timeout, three times each."""
    openai.queue_replies(*[openai_server.SILENT] * 3)
    gemini.queue_replies(*[gemini_server.SILENT] * 3)
    fails(openai_at(openai, ai_timeout_sec=0.2), TransientError, "provider_unavailable")
    fails(gemini_at(gemini, ai_timeout_sec=0.2), TransientError, "provider_unavailable")
    eventually(lambda: (len(openai.requests), len(gemini.requests)) == (3, 3))


def test_a_short_pause_is_waited_out(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """A service that is busy for a moment answers all the same."""
    openai.queue_replies(openai_server.rate_limit_reply(), openai_server.stream_reply(*PIECES))
    gemini.queue_replies(gemini_server.rate_limit_reply(), gemini_server.stream_reply(*PIECES))
    assert said(openai_at(openai)) == said(gemini_at(gemini)) == [*PIECES]


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_that_broke_off_is_paid_for(openai: OpenAIServer, gemini: GeminiServer, told: bool) -> None:
    """What a broken answer took is booked: as the service told it, else as an estimate that says so."""
    openai.queue_replies(
        openai_server.stream_reply(*PIECES, finish_reason="length", tokens=(1000, 200) if told else None)
    )
    gemini.queue_replies(
        gemini_server.stream_reply(*PIECES, finish_reason=None, tokens=(3000, 300, 100) if told else None)
    )
    for connect, server in ((openai_at, openai), (gemini_at, gemini)):
        costs: list[float] = []
        meter = Meter(book=costs.append)
        with pytest.raises((PermanentError, TransientError)):
            said(connect(server, meter))  # type: ignore[operator]
        assert len(costs) == 1
        assert costs[0] > 0
        assert (meter.usage.notes == []) == told
        if not told:
            assert meter.usage.notes == [ESTIMATE_NOTE]
            assert meter.usage.tokens_in == 14
            assert meter.usage.tokens_out == 5


def test_a_reader_who_leaves_ends_the_answer(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """When nobody listens any more the call ends, and what it took is booked."""
    openai.queue_replies(openai_server.stream_reply(*PIECES))
    gemini.queue_replies(gemini_server.stream_reply(*PIECES))
    for connect, server in ((openai_at, openai), (gemini_at, gemini)):
        costs: list[float] = []
        pieces: Any = connect(server, Meter(book=costs.append)).chat(RULES, TURNS, no_tick)  # type: ignore[operator]
        assert next(pieces) == PIECES[0]
        pieces.close()
        assert len(costs) == 1


def test_the_budget_is_asked_first(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Nothing is sent when the budget is used up."""

    def no_more() -> None:
        raise PermanentError("budget_exceeded", "No more.")

    fails(openai_at(openai, Meter(allow=no_more)), PermanentError, "budget_exceeded")
    fails(gemini_at(gemini, Meter(allow=no_more)), PermanentError, "budget_exceeded")
    assert openai.requests == gemini.requests == []


def test_cancelling_ends_the_answer(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """A conversation that is cancelled stops at the next piece."""

    def tick(done: float, _: str) -> None:
        if done:
            raise Cancelled("chat")

    openai.queue_replies(openai_server.stream_reply(*PIECES))
    gemini.queue_replies(gemini_server.stream_reply(*PIECES))
    for provider in (openai_at(openai), gemini_at(gemini)):
        with pytest.raises(Cancelled):
            list(provider.chat(RULES, TURNS, tick))
