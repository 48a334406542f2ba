"""Providers with the stand-in of their service, and the offline provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer, parts_of
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import Reply, StandInServer
from shared.ai.fallback import PROVIDERS
from shared.ai.offline.provider import OfflineProvider
from shared.ai.prompt import CLOSE, OPEN
from shared.ai.provider import Provider
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.settings import Settings
from tests.recipe_samples import no_tick

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 4


@dataclass
class ServedProvider:
    """A provider and the service behind it."""

    name: str
    service: StandInServer
    provider: Provider

    def queue_answers(self, *answers: dict[str, Any]) -> None:
        fake: Any = gemini_server if self.name == "gemini" else openai_server
        self.service.queue_replies(*(reply for reply in map(fake.json_reply, answers) if isinstance(reply, Reply)))

    def analyze(self, kind: str, evidence: Evidence, language: str) -> BaseModel:
        return self.provider.analyze(kind_named(kind), evidence, language, no_tick).result

    def data(self, number: int = 0) -> dict[str, Any]:
        """Return the evidence in a request."""
        body = self.service.requests[number].json
        if self.name == "gemini":
            text = next(part["text"] for part in parts_of(body) if part.get("text", "").startswith(OPEN))
        else:
            text = body["messages"][1]["content"][-1]["text"]
        inside: dict[str, Any] = json.loads(text.removeprefix(OPEN).removesuffix(CLOSE))
        return inside

    def rules(self, number: int = 0) -> str:
        body = self.service.requests[number].json
        if self.name == "gemini":
            return str(body["systemInstruction"]["parts"][0]["text"])
        return str(body["messages"][0]["content"])


@contextmanager
def service_of(name: str) -> Iterator[ServedProvider]:
    with GeminiServer() if name == "gemini" else OpenAIServer() as service:
        keys: dict[str, Any] = {
            "gemini_api_key": gemini_server.KEY,
            "google_gemini_base_url": service.url,
            "openai_api_key": openai_server.KEY,
            "openai_base_url": f"{service.url}/v1",
            "ai_timeout_sec": 5,
        }
        yield ServedProvider(name, service, PROVIDERS[name].create(Settings(**keys), Meter()))


def offline(kind: str, evidence: Evidence, language: str = "en") -> BaseModel:
    return OfflineProvider().analyze(kind_named(kind), evidence, language, no_tick).result
