"""Providers whose services are the stand-ins, and a sound for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import OpenAIServer
from shared.ai.gemini.provider import GeminiProvider
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.provider import AudioClip, Turn
from shared.ai.usage import Meter
from shared.settings import Settings
from tests.unit.ai.voices import silence, write_flac

SOUND_SEC = 10.0
RULES = "Answer questions about soup."
TURNS = [Turn("user", "What is it?"), Turn("assistant", "Soup."), Turn("user", "Which one?")]


def openai_at(server: OpenAIServer, meter: Meter | None = None, **changes: Any) -> OpenAIProvider:
    given = {"openai_api_key": openai_server.KEY, "openai_base_url": server.base_url, "ai_timeout_sec": 5} | changes
    return OpenAIProvider(Settings(**given), meter or Meter())


def gemini_at(server: GeminiServer, meter: Meter | None = None, **changes: Any) -> GeminiProvider:
    given = {"gemini_api_key": gemini_server.KEY, "google_gemini_base_url": server.url, "ai_timeout_sec": 5} | changes
    return GeminiProvider(Settings(**given), meter or Meter())


def sound_in(folder: Path) -> AudioClip:
    """A file that the stand-ins take; what is heard in it is prepared."""
    return AudioClip(write_flac(folder / "part.flac", silence(0.1)), SOUND_SEC)
