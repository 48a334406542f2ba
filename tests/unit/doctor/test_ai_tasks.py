"""What `clipwise doctor --ai` says of each task, by trying it."""

from __future__ import annotations

from infra.doctor.ai_tasks import check_ai
from infra.doctor.findings import Level
from infra.stand_ins.compatible_servers import MODEL, SHAPES, WIDTH, CompatibleServer
from shared.settings import read_settings

Outcome = tuple[Level, str, str]


def check(**environ: str) -> dict[str, Outcome]:
    findings = check_ai(read_settings({"SPEECH_MODEL": "off", "OFFLINE_EMBED_MODEL": "hashing", **environ}))
    return {row.subject: (row.level, row.said, row.advice) for row in findings}


def test_each_task_is_tried_where_it_is_configured() -> None:
    """One table says which of four tasks work, at which address, with which model, how fast and at what cost."""
    with CompatibleServer(SHAPES["ollama"]) as ollama, CompatibleServer(SHAPES["speaches"], "key") as speaches:
        rows = check(
            OPENAI_BASE_URL=ollama.base_url,
            OPENAI_MODEL=MODEL,
            OPENAI_EMBED_MODEL="absent",
            OPENAI_TRANSCRIBE_BASE_URL=speaches.base_url,
            OPENAI_TRANSCRIBE_API_KEY="wrong",
            OPENAI_TRANSCRIBE_MODEL=MODEL,
        )
    analysis = rows[f"analyses, openai: {MODEL} at {ollama.base_url}"]
    assert (analysis[0], "picture sent" in analysis[1], "free" in analysis[1]) == (Level.GOOD, True, True)
    assert rows[f"chat completions, openai: {MODEL} at {ollama.base_url}"][0] is Level.GOOD
    speech = rows[f"transcription, openai: {MODEL} at {speaches.base_url}"]
    assert speech[:2] == (Level.PROBLEM, "does not work (provider_key_invalid)")
    assert "OPENAI_TRANSCRIBE_API_KEY" in speech[2]
    embedding = rows[f"embeddings, openai: absent at {ollama.base_url}"]
    assert embedding[:2] == (Level.PROBLEM, "does not work (provider_model_missing)")
    assert "ollama pull absent" in embedding[2]


def test_what_a_server_lacks_is_a_note_and_the_next_provider_is_tried() -> None:
    """Speech that one server does not offer is not bad, and this machine's model is tried after it."""
    with CompatibleServer(SHAPES["llama.cpp"]) as server:
        rows = check(OPENAI_BASE_URL=server.base_url)
    speech = next(row for subject, row in rows.items() if subject.startswith("transcription, openai"))
    assert speech[:2] == (Level.NOTE, "not offered")
    assert rows["transcription, offline"][:2] == (Level.NOTE, "not offered")
    embedding = next(row for subject, row in rows.items() if subject.startswith("embeddings, openai"))
    assert f"{WIDTH} numbers" in embedding[1]


def test_without_a_service_this_machine_is_tried() -> None:
    """Without any key, embeddings work on this machine, and what it cannot do is said with what would add it."""
    rows = check()
    assert rows["embeddings, offline"][0] is Level.GOOD
    assert "clipwise models install speech" in rows["transcription, offline"][2]
