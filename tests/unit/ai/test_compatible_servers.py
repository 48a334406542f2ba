"""Servers that are compatible with OpenAI: each shape with each task, through the real SDK over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stand_ins.compatible_servers import MODEL, SHAPES, WIDTH, CompatibleServer
from infra.stand_ins.openai_server import CHAT, EMBEDDINGS, TRANSCRIPTIONS
from infra.stand_ins.server import Reply
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.provider import AudioClip, Task
from shared.ai.usage import Meter
from shared.analyses.kinds import kind_named
from shared.errors import PermanentError, TransientError
from shared.models.video import TimeSpan
from shared.settings import Settings
from tests.recipe_samples import evidence, no_tick
from tests.server import eventually
from tests.unit.ai.services import RULES, TURNS
from tests.unit.ai.voices import silence, write_flac

RECIPE = kind_named("recipe")
SOUND_SEC = 8.0
PATHS: dict[Task, str] = {"analyze": CHAT, "chat": CHAT, "embed": EMBEDDINGS, "transcribe": TRANSCRIPTIONS}
CANNOT = "provider_cannot"
# What a job or a question gets of each task: "works", "estimated" (speech without times), or the code of the error.
TABLE: dict[str, dict[Task, str]] = {
    "ollama": {"analyze": "works", "transcribe": "estimated", "embed": "works", "chat": "works"},
    "vllm": {"analyze": "works", "transcribe": "works", "embed": "works", "chat": "works"},
    "lmstudio": {"analyze": "works", "transcribe": CANNOT, "embed": "works", "chat": "works"},
    "llama.cpp": {"analyze": "works", "transcribe": CANNOT, "embed": "works", "chat": "works"},
    "localai": {"analyze": "works", "transcribe": "works", "embed": "works", "chat": "works"},
    "speaches": {"analyze": CANNOT, "transcribe": "works", "embed": CANNOT, "chat": CANNOT},
    "whisper.cpp": {"analyze": CANNOT, "transcribe": "works", "embed": CANNOT, "chat": CANNOT},
}
CELLS = [(name, task, outcome) for name, row in TABLE.items() for task, outcome in row.items()]


@pytest.fixture
def serve() -> Iterator[Callable[..., CompatibleServer]]:
    """Start servers of a shape, which stop with the test."""
    servers: list[CompatibleServer] = []

    def start(name: str, **changes: Any) -> CompatibleServer:
        server = CompatibleServer(SHAPES[name], **changes)
        server.__enter__()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.__exit__(None)


def provider_at(server: CompatibleServer, meter: Meter | None = None, **changes: Any) -> OpenAIProvider:
    models = dict.fromkeys(("openai_model", "openai_transcribe_model", "openai_embed_model"), MODEL)
    given = {"openai_base_url": server.base_url, "openai_api_key": server.key, "ai_timeout_sec": 5} | models | changes
    return OpenAIProvider(Settings(**given), meter or Meter())


def run_task(provider: OpenAIProvider, task: Task, folder: Path) -> Any:
    if task == "analyze":
        return provider.analyze(RECIPE, evidence(folder), "en", no_tick)
    if task == "transcribe":
        return provider.transcribe(sound_in(folder), no_tick)
    if task == "embed":
        return provider.embed(["tomato soup", "a knife"], "document", no_tick)
    return "".join(provider.chat(RULES, TURNS, no_tick))


def sound_in(folder: Path) -> AudioClip:
    return AudioClip(write_flac(folder / "part.flac", silence(SOUND_SEC)), SOUND_SEC, [TimeSpan(start=0, end=0.5)])


@pytest.mark.parametrize(("name", "task", "outcome"), CELLS, ids=[f"{name}-{task}" for name, task, _ in CELLS])
def test_each_task_works_or_says_that_it_cannot(
    serve: Callable[..., CompatibleServer], tmp_path: Path, name: str, task: Task, outcome: str
) -> None:
    """A server of each shape does what it can, at no cost, and what it cannot is left to the next provider."""
    server, meter = serve(name), Meter()
    if outcome == CANNOT:
        with pytest.raises(PermanentError) as caught:
            run_task(provider_at(server, meter), task, tmp_path)
        assert (caught.value.code, len(server.requests)) == (CANNOT, 1)
        return
    result = run_task(provider_at(server, meter), task, tmp_path)
    assert meter.usage.cost_usd == 0
    assert not [note for note in meter.usage.notes if "price" in note]
    if task == "analyze":
        assert (result.result.title, result.usage.frames) != ("", 0)
    elif task == "transcribe":
        assert result.segments
        assert all(segment.estimated == (outcome == "estimated") for segment in result.segments)
        assert all(0 <= segment.start <= segment.end <= SOUND_SEC for segment in result.segments)
    elif task == "embed":
        assert {len(vector) for vector in result.vectors} == {result.dimensions} == {WIDTH}
    else:
        assert "made up" in result


@pytest.mark.parametrize("name", ["localai", "speaches", "whisper.cpp"])
def test_words_have_their_times(serve: Callable[..., CompatibleServer], tmp_path: Path, name: str) -> None:
    """Words are whole and timed, whether a server lists them as tokens, inside segments, or under another name."""
    result = provider_at(serve(name)).transcribe(sound_in(tmp_path), no_tick)
    for segment in result.segments:
        assert " ".join(word.text for word in segment.words) == segment.text
        assert [word.start for word in segment.words] == sorted(word.start for word in segment.words)
    assert result.language == "en"


MISSING: dict[str, str] = {
    "ollama": "ollama pull absent/one",
    "vllm": "vllm serve absent/one",
    "lmstudio": "lms load absent/one",
    "localai": "local-ai models install absent/one",
    "speaches": "/v1/models/absent%2Fone",
}


@pytest.mark.parametrize("name", MISSING)
def test_a_model_that_was_not_installed_is_named_with_the_command(
    serve: Callable[..., CompatibleServer], tmp_path: Path, name: str
) -> None:
    """A missing model is an error of its own, whose sentence has the command that installs it there."""
    server = serve(name)
    task: Task = "chat" if CHAT in server.shape.routes else "transcribe"
    absent = dict.fromkeys(("openai_model", "openai_transcribe_model"), "absent/one")
    with pytest.raises(PermanentError) as caught:
        run_task(provider_at(server, **absent), task, tmp_path)
    assert caught.value.code == "provider_model_missing"
    assert MISSING[name] in caught.value.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["ollama", "vllm", "lmstudio", "localai"])
@pytest.mark.parametrize("task", PATHS)
def test_an_address_without_its_version_is_recognized(
    serve: Callable[..., CompatibleServer], tmp_path: Path, name: str, task: Task
) -> None:
    """Without `/v1` in the address, the sentence says so, and which address to set."""
    server = serve(name)
    with pytest.raises(PermanentError) as caught:
        run_task(provider_at(server, openai_base_url=server.base_url.removesuffix("/v1")), task, tmp_path)
    assert caught.value.code == "provider_request_invalid"
    assert server.base_url in caught.value.message


def test_whisper_cpp_at_its_own_path_is_recognized(serve: Callable[..., CompatibleServer], tmp_path: Path) -> None:
    """whisper.cpp serves another path unless told otherwise; the sentence says how."""
    server = serve("whisper.cpp")
    server.queue_replies(Reply(b"File Not Found (/v1/audio/transcriptions)", 404, {"content-type": "text/plain"}))
    with pytest.raises(PermanentError, match=r"--inference-path"):
        run_task(provider_at(server), "transcribe", tmp_path)


@pytest.mark.parametrize("name", ["ollama", "vllm", "lmstudio", "llama.cpp"])
def test_a_model_that_cannot_see_gets_the_text(
    serve: Callable[..., CompatibleServer], tmp_path: Path, name: str
) -> None:
    """A text model analyzes transcript, caption and on-screen text; a note says that it saw no pictures."""
    server, meter = serve(name, reads_pictures=False), Meter()
    result = run_task(provider_at(server, meter), "analyze", tmp_path)
    assert result.usage.frames == 0
    assert any("does not accept pictures" in note for note in meter.usage.notes)
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["ollama", "vllm", "lmstudio"])
def test_requested_dimensions_are_made_ignored_or_left_out(
    serve: Callable[..., CompatibleServer], tmp_path: Path, name: str
) -> None:
    """A length of vectors may be requested; a model that has only one keeps its own."""
    server = serve(name)
    result = run_task(provider_at(server, openai_embed_dimensions=48), "embed", tmp_path)
    assert result.dimensions == (48 if server.shape.dimensions == "makes" else WIDTH)
    assert "dimensions" in server.requests[0].json


@pytest.mark.parametrize("status", [400, 500])
def test_a_format_that_a_model_lacks_is_not_asked_for_again(
    serve: Callable[..., CompatibleServer], tmp_path: Path, status: int
) -> None:
    """A speech model without `verbose_json` is asked for its text, whose times are estimated."""
    server = serve("vllm")
    server.queue_replies(Reply({"detail": "only json"}, status), Reply({"text": "Fry it. Stir it."}))
    result = run_task(provider_at(server), "transcribe", tmp_path)
    assert [(segment.text, segment.estimated) for segment in result.segments] == [("Fry it.", True), ("Stir it.", True)]
    assert len(server.requests) == 2


@pytest.mark.parametrize("task", PATHS)
def test_a_slow_server_is_asked_once(serve: Callable[..., CompatibleServer], tmp_path: Path, task: Task) -> None:
    """A server that stays silent gets one request, and its error names the setting instead of inviting a retry."""
    server = serve("ollama")
    server.queue_replies(Reply(silent=True))
    with pytest.raises(PermanentError, match="AI_TIMEOUT_SEC") as caught:
        run_task(provider_at(server, ai_timeout_sec=0.2), task, tmp_path)
    assert caught.value.code == "provider_timeout"
    eventually(lambda: len(server.requests) == 1)


def test_a_slow_answer_may_take_longer_than_the_timeout(serve: Callable[..., CompatibleServer], tmp_path: Path) -> None:
    """AI_TIMEOUT_SEC is the longest silence: an analysis arrives as a stream."""
    server = serve("ollama")
    run_task(provider_at(server), "analyze", tmp_path)
    assert server.requests[0].json["stream"] is True


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (
            Reply({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, 503),
            "provider_busy",
        ),
        (Reply({"error": "out of memory"}, 500), "provider_unavailable"),
    ],
)
def test_trouble_that_passes_is_tried_again_later(
    serve: Callable[..., CompatibleServer], tmp_path: Path, reply: Reply, code: str
) -> None:
    """A server that still loads its model, or fails, ends the attempt at once; the job's own retry follows."""
    server = serve("llama.cpp")
    server.queue_replies(reply)
    with pytest.raises(TransientError) as caught:
        run_task(provider_at(server), "chat", tmp_path)
    assert (caught.value.code, len(server.requests)) == (code, 1)


@pytest.mark.parametrize(
    "message",
    [
        "request (9031 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "This model's maximum context length is 4096 tokens. However, you requested 9031 tokens.",
    ],
)
def test_a_context_that_is_too_small_is_explained(
    serve: Callable[..., CompatibleServer], tmp_path: Path, message: str
) -> None:
    """A request that exceeds the model's context says how to enlarge it."""
    server = serve("llama.cpp")
    server.queue_replies(Reply({"error": {"message": message, "code": 400}}, 400))
    with pytest.raises(PermanentError, match="OLLAMA_CONTEXT_LENGTH"):
        run_task(provider_at(server), "analyze", tmp_path)


def test_the_schema_is_shown_to_the_model(serve: Callable[..., CompatibleServer], tmp_path: Path) -> None:
    """A server that only enforces the schema does not show its descriptions, so the instructions contain it."""
    server = serve("llama.cpp")
    run_task(provider_at(server), "analyze", tmp_path)
    assert '"ingredients"' in server.requests[0].json["messages"][0]["content"]
