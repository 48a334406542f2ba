"""Which provider serves a kind, and which ones stand in while it is down."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.ai.meter import Meter
from shared.ai.provider import Analysis, Evidence, Provider, Tick
from shared.analyses.kinds import Kind
from shared.errors import PermanentError, TransientError
from shared.settings import Settings

log = logging.getLogger(__name__)


def provider_for(kind: Kind, settings: Settings, meter: Meter) -> Provider:
    """The provider that is to analyse videos for `kind`, with its stand-ins."""
    return InOrder(order_for(kind.name, settings), settings, meter)


def order_for(kind_name: str, settings: Settings) -> list[str]:
    """Names of providers, the first choice first."""
    chosen = settings.ai_provider_kind.get(kind_name, settings.ai_provider)
    if chosen != "auto":
        return chosen.split(",")
    ready = {
        "gemini": settings.gemini_api_key or settings.google_genai_use_vertexai,
        "openai": settings.openai_api_key or settings.openai_base_url,
    }
    return [name for name, given in ready.items() if given] or ["offline"]


class InOrder:
    """Asks one provider after the other until one is not down. All their calls count, and who stood in is noted."""

    def __init__(self, order: list[str], settings: Settings, meter: Meter) -> None:
        self.name = ",".join(order)
        self._order = order
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        """The first result; raises TransientError when all that can make this kind are down."""
        down: TransientError | None = None
        for name in self._order:
            try:
                provider = PROVIDERS[name](self._settings, self._meter)
                analysis = provider.analyze(kind, evidence, language, tick)
            except TransientError as error:
                log.warning("%s is down: %s", name, error.code)
                self._meter.note(f"The provider {name} was not available ({error.code}).")
                down = error
            except PermanentError as error:
                if down is None or error.code != "provider_cannot":
                    raise
            else:
                made = analysis.usage
                usage = self._meter.total(made.provider or name, made.model or "", kind.prompt_version, made.frames)
                return Analysis(analysis.result, usage)
        raise down or AssertionError("an order has at least one provider")


def _openai(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.openai import OpenAIProvider

    return OpenAIProvider(settings, meter)


def _gemini(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.gemini import GeminiProvider

    return GeminiProvider(settings, meter)


def _offline(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.offline.provider import OfflineProvider

    return OfflineProvider()


PROVIDERS: dict[str, Callable[[Settings, Meter], Provider]] = {
    "openai": _openai,
    "gemini": _gemini,
    "offline": _offline,
}
