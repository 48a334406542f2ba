"""Vectors of both services: their own SDKs, over HTTP, against servers that check each request."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from hypothesis import given
from hypothesis import strategies as st

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply
from shared.ai.gemini import client as gemini_calls
from shared.ai.gemini import provider as gemini_embeddings
from shared.ai.openai import embeddings as openai_embeddings
from shared.ai.provider import EmbeddingResult
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS, MAX_TEXT_BYTES, Calibration, batches, normalize_vectors, truncate_texts
from shared.errors import Cancelled, PermanentError, TransientError
from shared.models.job import Usage
from tests.recipe_samples import no_tick
from tests.server import eventually
from tests.unit.ai.services import gemini_at, openai_at

TEXTS = ["tomato soup", "how to sharpen a knife", "Суп из помидоров"]


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def gemini(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiServer]:
    monkeypatch.setattr(gemini_calls, "FIRST_PAUSE_SEC", 0.01)
    with GeminiServer() as server:
        yield server


@given(st.lists(st.text(min_size=1), max_size=40), st.integers(1, 10), st.integers(1, 60))
def test_batches_keep_every_text_in_order(texts: list[str], most: int, most_bytes: int) -> None:
    """Law: no text is lost or moved, no batch has too many, and one that has too many bytes is of one text."""
    made = list(batches(texts, most, most_bytes))
    assert [text for batch in made for text in batch] == texts
    for batch in made:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(len(text.encode()) for text in batch) <= most_bytes


@given(st.text(min_size=1).filter(str.strip), st.integers(1, 4000))
def test_long_texts_are_cut_between_characters(text: str, times: int) -> None:
    """Law: what is kept is the beginning of the text, whole characters, as much as fits."""
    (kept,) = truncate_texts([text * times])
    assert (text * times).startswith(kept)
    assert min(MAX_TEXT_BYTES - 3, len((text * times).encode())) <= len(kept.encode()) <= MAX_TEXT_BYTES


def test_a_text_without_words_is_a_mistake() -> None:
    """Nobody is given a vector for nothing."""
    with pytest.raises(ValueError, match="no meaning"):
        truncate_texts(["soup", " "])


def near(vectors: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> None:
    for vector, other in zip(vectors, expected, strict=True):
        assert math.hypot(*vector) == pytest.approx(1)
        length = math.hypot(*other)
        assert vector == pytest.approx([number / length for number in other], abs=1e-6)


def test_openai_gives_a_vector_for_each_text(openai: OpenAIServer) -> None:
    """Vectors come in the order of their texts, 768 numbers each, of length 1, and say which model made them."""
    made = openai_at(openai).embed(TEXTS, "document", no_tick)
    assert made.dimensions == DIMENSIONS
    near(made.vectors, [openai_server.hash_embedding(text, DIMENSIONS) for text in TEXTS])
    usage = made.usage
    assert (usage.provider, usage.model) == ("openai", "text-embedding-3-small")
    assert (usage.tokens_in, usage.tokens_out) == (3 + 6 + 8, 0)
    assert usage.cost_usd == pytest.approx(17 * 0.02 / 1e6, rel=0.01)
    body = openai.requests[0].json
    assert (body["dimensions"], body["encoding_format"], body["input"]) == (768, "base64", TEXTS)


def test_gemini_gives_a_vector_for_each_text(gemini: GeminiServer) -> None:
    """Queries and documents are told apart, vectors made 1 long, and tokens estimated where none are told."""
    provider = gemini_at(gemini)
    made = provider.embed(TEXTS, "document", no_tick)
    near(made.vectors, [gemini_server.hash_embedding(text, DIMENSIONS) for text in TEXTS])
    assert (made.usage.provider, made.usage.model) == ("gemini", "gemini-embedding-001")
    assert made.usage.tokens_in == -(-sum(len(text.encode()) for text in TEXTS) // 4)
    provider.embed(["soup?"], "query", no_tick)
    documents, query = (asked.json["requests"] for asked in gemini.requests)
    assert [request["taskType"] for request in documents] == ["RETRIEVAL_DOCUMENT"] * 3
    assert [(request["taskType"], request["outputDimensionality"]) for request in query] == [("RETRIEVAL_QUERY", 768)]


def test_a_model_without_task_types_is_told_in_words(gemini: GeminiServer) -> None:
    """The multimodal model gets each text as a content of its own, which says what it is for."""
    made = gemini_at(gemini, gemini_embed_model="gemini-embedding-2").embed(["soup", "knife"], "query", no_tick)
    assert len(made.vectors) == 2
    requests = gemini.requests[0].json["requests"]
    assert [request["content"]["parts"][0]["text"] for request in requests] == [
        "task: search result | query: soup",
        "task: search result | query: knife",
    ]
    assert not any("taskType" in request for request in requests)


@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS])
def test_vertex_gives_vectors_with_an_identity(monkeypatch: pytest.MonkeyPatch, texts: list[str]) -> None:
    """Through Vertex AI, alone or in a batch, vectors are the same, and the service tells the tokens."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials.token = "identity"
    monkeypatch.setattr(google.auth, "default", lambda **_: (credentials, "project"))
    with GeminiServer(vertex=True) as server:
        given = {"google_genai_use_vertexai": True, "gemini_api_key": "", "google_cloud_project": "kitchen"}
        made = gemini_at(server, **given).embed(texts, "document", no_tick)
    near(made.vectors, [gemini_server.hash_embedding(text, DIMENSIONS) for text in texts])
    assert made.usage.tokens_in == sum(-(-len(text.encode()) // 4) for text in texts)


def test_many_texts_go_in_batches(openai: OpenAIServer, gemini: GeminiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More texts than a request holds take several, each allowed by the budget, and keep their order."""
    asked = 0

    def allow() -> None:
        nonlocal asked
        asked += 1

    texts = [f"text {number}" for number in range(250)]
    made = gemini_at(gemini, Meter(allow=allow)).embed(texts, "document", no_tick)
    near(made.vectors, [gemini_server.hash_embedding(text, DIMENSIONS) for text in texts])
    assert [len(one.json["requests"]) for one in gemini.requests] == [100, 100, 50]
    assert asked == 3
    monkeypatch.setattr(openai_embeddings, "BATCH_TEXTS", 200)
    made = openai_at(openai).embed(texts, "document", no_tick)
    near(made.vectors, [openai_server.hash_embedding(text, DIMENSIONS) for text in texts])
    assert [len(one.json["input"]) for one in openai.requests] == [200, 50]


def test_huge_texts_stay_within_the_services_limits(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Texts of any length make requests that the services take: the stand-ins would refuse others."""
    texts = ["помидор " * 4000] * 50
    assert len(openai_at(openai).embed(texts, "document", no_tick).vectors) == 50
    assert len(openai.requests) == 2
    assert len(gemini_at(gemini).embed(texts, "document", no_tick).vectors) == 50
    assert all(
        sum(len(request["content"]["parts"][0]["text"].encode()) for request in one.json["requests"])
        <= gemini_embeddings.BATCH_BYTES
        for one in gemini.requests
    )


def test_no_texts_make_no_call(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Nothing to embed costs nothing."""
    assert openai_at(openai).embed([], "document", no_tick).vectors == []
    assert gemini_at(gemini).embed([], "document", no_tick).vectors == []
    assert (openai.requests, gemini.requests) == ([], [])


def openai_vectors(*vectors: Sequence[float]) -> Reply:
    data = [{"object": "embedding", "index": number, "embedding": [*one]} for number, one in enumerate(vectors)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return Reply({"object": "list", "data": data, "model": "m", "usage": usage})


def gemini_vectors(*vectors: Sequence[float]) -> Reply:
    return Reply({"embeddings": [{"values": [*one]} for one in vectors]})


ODD: list[tuple[str, list[list[float]], type[Exception], str]] = [
    ("too large", [[1.0] * 3072], PermanentError, "embedding_dimensions"),
    ("too many", [[1.0] * 768] * 2, TransientError, "answer_invalid"),
    ("nowhere", [[0.0] * 768], TransientError, "answer_invalid"),
]


@pytest.mark.parametrize(("vectors", "kind", "code"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_odd_vectors_are_refused(
    openai: OpenAIServer, gemini: GeminiServer, vectors: list[list[float]], kind: type[Exception], code: str
) -> None:
    """Vectors that cannot be stored or compared are an error, and are paid for."""
    costs: list[float] = []
    openai.queue_replies(openai_vectors(*vectors))
    gemini.queue_replies(gemini_vectors(*vectors))
    for provider in (openai_at(openai, Meter(book=costs.append)), gemini_at(gemini, Meter(book=costs.append))):
        with pytest.raises(kind) as caught:
            provider.embed(["soup"], "query", no_tick)
        assert caught.value.code == code  # type: ignore[attr-defined]
    assert len(costs) == 2


def test_servers_that_ignore_the_encoding_are_understood(openai: OpenAIServer) -> None:
    """A compatible server that sends plain numbers, in any order, is as good."""
    first, second = [1.0] + [0.0] * 767, [0.0, 1.0] + [0.0] * 766
    reply = openai_vectors(first, second)
    reply.value["data"].reverse()
    openai.queue_replies(reply)
    near(openai_at(openai).embed(["a", "b"], "document", no_tick).vectors, [first, second])


OPENAI_FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("always busy", [openai_server.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("always down", [openai_server.error_reply(500, retry_after="0.01")] * 3, TransientError,
     "provider_unavailable", 3),
    ("always cut off", [Reply(openai_vectors([1.0] * 768).value, cut=True)] * 3, TransientError,
     "provider_unavailable", 3),
    ("no vectors", [openai_vectors()], TransientError, "provider_unavailable", 1),
    ("half a body", [Reply(b'{"object": "list", "da')], TransientError, "provider_unavailable", 1),
    ("forbidden", [openai_server.error_reply(403)], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [openai_server.error_reply(404, code="model_not_found")], PermanentError,
     "provider_model_missing", 1),
    ("not offered", [Reply({"detail": "Not Found"}, 404)], PermanentError, "provider_cannot", 1),
]  # fmt: skip
GEMINI_FAILURES: list[tuple[str, list[Reply], type[Exception], str, int]] = [
    ("always busy", [gemini_server.rate_limit_reply()] * 3, TransientError, "provider_busy", 3),
    ("always down", [gemini_server.error_reply(500)] * 3, TransientError, "provider_unavailable", 3),
    ("always cut off", [Reply(gemini_vectors([1.0] * 768).value, cut=True)] * 3, TransientError,
     "provider_unavailable", 3),
    ("no vectors", [gemini_vectors()], TransientError, "answer_invalid", 1),
    ("half a body", [Reply(b'{"embeddings": [')] * 3, TransientError, "provider_unavailable", 3),
    ("forbidden", [gemini_server.error_reply(403, "PERMISSION_DENIED")], PermanentError, "provider_key_invalid", 1),
    ("unknown model", [gemini_server.error_reply(404, "NOT_FOUND")], PermanentError, "provider_model_missing", 1),
]  # fmt: skip


def fails(provider: Any, kind: type[Exception], code: str) -> None:
    with pytest.raises(kind) as caught:
        provider.embed(["soup"], "query", no_tick)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in OPENAI_FAILURES], ids=[row[0] for row in OPENAI_FAILURES]
)
def test_a_failure_of_openai_ends_soon_and_says_what_it_is(
    openai: OpenAIServer, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure becomes one error with a code and a sentence, after a bounded number of calls."""
    openai.queue_replies(*replies)
    fails(openai_at(openai), kind, code)
    assert len(openai.requests) == calls


@pytest.mark.parametrize(
    ("replies", "kind", "code", "calls"), [row[1:] for row in GEMINI_FAILURES], ids=[row[0] for row in GEMINI_FAILURES]
)
def test_a_failure_of_gemini_ends_soon_and_says_what_it_is(
    gemini: GeminiServer, replies: list[Reply], kind: type[Exception], code: str, calls: int
) -> None:
    """Every failure becomes one error with a code and a sentence, after a bounded number of calls."""
    gemini.queue_replies(*replies)
    fails(gemini_at(gemini), kind, code)
    assert len(gemini.requests) == calls


def test_silence_is_not_waited_for_forever(openai: OpenAIServer, gemini: GeminiServer) -> None:
    """Services that never answer are given up after the timeout, three times each."""
    openai.queue_replies(*[openai_server.SILENT] * 3)
    gemini.queue_replies(*[gemini_server.SILENT] * 3)
    fails(openai_at(openai, ai_timeout_sec=0.2), TransientError, "provider_unavailable")
    fails(gemini_at(gemini, ai_timeout_sec=0.2), TransientError, "provider_unavailable")
    eventually(lambda: (len(openai.requests), len(gemini.requests)) == (3, 3))


def test_cancelling_stops_between_batches(openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is cancelled pays for no further batch."""
    monkeypatch.setattr(openai_embeddings, "BATCH_TEXTS", 1)

    def tick(done: float, _: str) -> None:
        if done:
            raise Cancelled("job")

    with pytest.raises(Cancelled):
        openai_at(openai).embed(TEXTS, "document", tick)
    assert len(openai.requests) == 1


def test_unit_vectors_are_not_changed() -> None:
    """What is 1 long already stays as it is."""
    vector = [1.0] + [0.0] * (DIMENSIONS - 1)
    assert normalize_vectors([vector], 1, "m") == [vector]


def test_a_question_that_is_near_to_everything_needs_more() -> None:
    """A short everyday question, which resembles any sentence, does not find what has nothing to do with it."""
    calibration = Calibration(typical=(1.0, 0.0), typical_share=0.5)
    result = EmbeddingResult([[1.0, 0.0], [0.0, 1.0]], 2, Usage(), min_similarity=0.4, calibration=calibration)
    assert (result.threshold(0), result.threshold(1)) == (0.9, 0.4)
    assert EmbeddingResult([[1.0, 0.0]], 2, Usage(), min_similarity=0.3).threshold(0) == 0.3
