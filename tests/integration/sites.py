"""Servers of either place that use local stand-ins for the AI services, each started when it is first asked for."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stand_ins import apify_server, gemini_server, openai_server
from infra.stand_ins.apify_server import ApifyServer
from infra.stand_ins.auto_replies import AutoReplyGemini, AutoReplyOpenAI
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from tests.contract.emulated import need_emulators
from tests.server import Server, serving

OPTIONS = {"embedded": (), "emulated": ("--emulators",)}
FAKES: dict[str, Any] = {"openai": openai_server, "gemini": gemini_server}
"""What makes the answers of each provider's service."""
DOWN = "The provider openai was not available (provider_busy)."


class MortalOpenAI(AutoReplyOpenAI):
    """Can be down."""

    down = False

    def next_reply(self) -> Reply | None:
        """What is prepared is for conversations: a server embeds its library again whenever it likes."""
        request = self.requests[-1]
        return self.make_reply(request) if "embed" in request.path else super().next_reply()

    def make_reply(self, request: RecordedRequest) -> Reply:
        return openai_server.error_reply(503, retry_after="0.01") if self.down else super().make_reply(request)


@dataclass(frozen=True)
class Services:
    """They answer by themselves what no answer is prepared for."""

    openai: MortalOpenAI
    gemini: AutoReplyGemini
    apify: ApifyServer

    def environ(self) -> dict[str, str]:
        return {
            "OPENAI_API_KEY": openai_server.KEY,
            "OPENAI_BASE_URL": self.openai.base_url,
            "GEMINI_API_KEY": gemini_server.KEY,
            "GOOGLE_GEMINI_BASE_URL": self.gemini.url,
            "APIFY_TOKEN": apify_server.TOKEN,
            "APIFY_BASE_URL": self.apify.url,
            "SOURCES": "apify",
            # At another address than the service's own, only models with a price of one's own cost anything.
            "PRICES": "gpt-5.4-mini=0.75/4.50,whisper-1=0.006/min,gemini-3.5-flash-lite=0.30/2.50",
        }

    def of(self, provider: str) -> StandInServer:
        return {"openai": self.openai, "gemini": self.gemini}[provider]


@dataclass(frozen=True)
class Site:
    """A server whose jobs one provider does.

    Attributes:
        notes: What their usage says of the others.
    """

    place: str
    provider: str
    server: Server
    notes: tuple[str, ...] = ()


class Sites:
    """On the embedded place each provider has a server of its own.

    The emulated place takes ten programs, so there is one, which turns to Gemini while OpenAI is down.
    """

    def __init__(self, folder: Path, services: Services) -> None:
        self._folder = folder
        self._services = services
        self._stack = ExitStack()
        self._servers: dict[tuple[str, str], Server] = {}

    def site(self, place: str, provider: str) -> Site:
        """Skips the test where the place cannot be had."""
        if place == "embedded":
            self._services.openai.down = False
            return Site(place, provider, self._server(place, provider))
        need_emulators()
        self._services.openai.down = provider == "gemini"
        server = self._server(place, "openai,gemini")
        return Site(place, provider, server, (DOWN,) if self._services.openai.down else ())

    def _server(self, place: str, order: str) -> Server:
        if (place, order) not in self._servers:
            environ = self._services.environ() | {"AI_PROVIDER": order}
            opened = serving(self._folder / f"{place}-{order}", *OPTIONS[place], **environ)
            self._servers[place, order] = self._stack.enter_context(opened)
        return self._servers[place, order]

    def close(self) -> None:
        self._stack.close()
