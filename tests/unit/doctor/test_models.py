"""What the examination says about models that end, and about models that a service does not have."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.doctor.findings import Level
from infra.doctor.models import check_models
from infra.stand_ins.compatible_servers import MODEL, SHAPES, CompatibleServer
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared import clock
from shared.ai.openai import endpoint
from shared.settings import read_settings

Found = dict[str, tuple[Level, str, str]]


class ModelList(StandInServer):
    """OpenAI's and Google's lists of models."""

    def reply_to(self, request: RecordedRequest) -> Reply:
        assert request.method == "GET"
        if "v1beta" in request.path:
            return Reply({"models": [{"name": "models/gemini-3.5-flash-lite"}]})
        rows = [
            {"id": "gpt-5.4-mini", "object": "model", "shutdown_date": "2027-06-01"},
            {"id": "whisper-1", "object": "model", "shutdown_date": None},
            {"id": "text-embedding-3-small", "object": "model"},
        ]
        return Reply({"object": "list", "data": rows})


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, tzinfo=UTC))


def check(online: bool = False, **environ: str) -> Found:
    findings = check_models(read_settings(environ), online)
    return {row.subject: (row.level, row.said, row.advice) for row in findings}


def test_a_retiring_model_is_announced_months_ahead() -> None:
    """Three months before Whisper ends at OpenAI, its users read the day and what replaces it; afterwards it is bad."""
    assert check(OPENAI_API_KEY="k") == {}
    level, said, advice = check(OPENAI_API_KEY="k", OPENAI_TRANSCRIBE_MODEL="whisper-1")["OPENAI_TRANSCRIBE_MODEL"]
    assert (level, said) == (Level.NOTE, "whisper-1 ends on 2027-02-26")
    assert "gpt-transcribe" in advice


def test_a_model_that_has_ended_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the day of its end on, a configured model is a problem."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 2, 26, tzinfo=UTC))
    rows = check(OPENAI_API_KEY="k", OPENAI_TRANSCRIBE_MODEL="whisper-1")
    assert rows["OPENAI_TRANSCRIBE_MODEL"][:2] == (Level.PROBLEM, "whisper-1 ended on 2027-02-26")


def test_a_compatible_server_keeps_models_of_the_same_name() -> None:
    """OpenAI's end of whisper-1 is none of the business of a server that calls its own model so."""
    assert check(OPENAI_TRANSCRIBE_BASE_URL="http://localhost:8000/v1", OPENAI_TRANSCRIBE_MODEL="whisper-1") == {}


def test_the_services_own_lists_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Online, a service's own `shutdown_date` counts, and a model that it does not list is a problem."""
    with ModelList() as service:
        monkeypatch.setattr(endpoint, "OPENAI_DOMAINS", ("127.0.0.1",))
        rows = check(
            online=True,
            OPENAI_API_KEY="k",
            OPENAI_BASE_URL=f"{service.url}/v1",
            GEMINI_API_KEY="k",
            GOOGLE_GEMINI_BASE_URL=service.url,
        )
        assert len(service.requests) == 2
    assert rows["OPENAI_MODEL"][:2] == (Level.NOTE, "gpt-5.4-mini ends on 2027-06-01")
    assert (rows["OPENAI_TRANSCRIBE_MODEL"][0], rows["GEMINI_EMBED_MODEL"][0]) == (Level.PROBLEM, Level.PROBLEM)
    assert "gemini-3.5-flash-lite" in rows["GEMINI_EMBED_MODEL"][2]
    assert rows.keys() == {"OPENAI_MODEL", "OPENAI_TRANSCRIBE_MODEL", "GEMINI_EMBED_MODEL"}


def test_a_model_that_a_server_does_not_list_is_a_note() -> None:
    """A server may accept names that are not in its list; a server without a list is not suspected."""
    with CompatibleServer(SHAPES["ollama"]) as server:
        rows = check(online=True, OPENAI_CHAT_BASE_URL=server.base_url, OPENAI_CHAT_MODEL="qwen3")
    assert (rows["OPENAI_CHAT_MODEL"][0], rows["OPENAI_CHAT_MODEL"][2]) == (
        Level.NOTE,
        f"set OPENAI_CHAT_MODEL to one of: {MODEL}",
    )
    with CompatibleServer(SHAPES["whisper.cpp"]) as server:
        assert check(online=True, OPENAI_TRANSCRIBE_BASE_URL=server.base_url) == {}
