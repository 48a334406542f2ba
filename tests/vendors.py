"""Stand-ins that count as the services themselves, with their prices and habits."""

from __future__ import annotations

import pytest

from shared.ai.gemini import client as gemini
from shared.ai.openai import endpoint as openai

LOOPBACK = "127.0.0.1"


def make_loopback_a_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers at 127.0.0.1 count as OpenAI and Google; those at localhost stay compatible servers."""
    monkeypatch.setattr(openai, "OPENAI_DOMAINS", (*openai.OPENAI_DOMAINS, LOOPBACK))
    monkeypatch.setattr(gemini, "GOOGLE_DOMAINS", (*gemini.GOOGLE_DOMAINS, LOOPBACK))
