"""The AI providers: the registry of all, their order for a kind, and the fallback to the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Provider, Transcription, Turn
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.error_codes.jobs import ProviderCode
from shared.errors import PermanentError, TransientError
from shared.progress import Tick
from shared.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class ProviderEntry:
    """A provider in the registry.

    Attributes:
        create: Creates the provider. Only then its module is imported.
        key_settings: Settings each of which configures the provider; the first is its API key. Empty: none is needed.
        reads_links: Whether it reads a public video of YouTube from its link.
    """

    create: Callable[[Settings, Meter], Provider]
    key_settings: tuple[str, ...] = ()
    reads_links: bool = False

    def is_configured(self, settings: Settings) -> bool:
        """Return True if one of the key settings is set."""
        return any(getattr(settings, name) for name in self.key_settings)


def _create_gemini(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.gemini.provider import GeminiProvider

    return GeminiProvider(settings, meter)


def _create_openai(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.openai.provider import OpenAIProvider

    return OpenAIProvider(settings, meter)


def _create_offline(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.offline.provider import OfflineProvider

    return OfflineProvider(settings, meter)


PROVIDERS = {
    "gemini": ProviderEntry(_create_gemini, ("gemini_api_key", "google_genai_use_vertexai"), reads_links=True),
    "openai": ProviderEntry(_create_openai, ("openai_api_key", "openai_base_url")),
    "offline": ProviderEntry(_create_offline),
}
"""All providers by name, in the order of AI_PROVIDER=auto; `shared.setting_types.PROVIDER_NAMES` has the same names."""


def provider_for(kind: Kind, settings: Settings, meter: Meter) -> Provider:
    """Return the provider for jobs of `kind`, with its fallbacks."""
    return FallbackProvider(provider_order(kind.name, settings), settings, meter)


def provider_order(kind_name: str, settings: Settings) -> list[str]:
    """Return the names of the providers for a kind, the preferred one first."""
    configured = settings.ai_provider_kind.get(kind_name, settings.ai_provider)
    if configured != "auto":
        return configured.split(",")
    return [name for name, entry in PROVIDERS.items() if entry.is_configured(settings)] or ["offline"]


def configured_service(kind_name: str, settings: Settings) -> str | None:
    """Return the name of the first configured AI service for a kind; None if there is none."""
    names = (name for name in provider_order(kind_name, settings) if name != "offline")
    return next((name for name in names if PROVIDERS[name].is_configured(settings)), None)


def can_read_link(kind: Kind, settings: Settings) -> bool:
    """Return True if the kind needs no file, and its first provider reads public links."""
    first = PROVIDERS.get(provider_order(kind.name, settings)[0])
    return not kind.needs_file and first is not None and first.reads_links and first.is_configured(settings)


class FallbackProvider:
    """Calls the providers of an order until one is available. The usage counts all calls and notes each fallback.

    A provider that does not support the operation is skipped without a note.
    """

    def __init__(self, order: list[str], settings: Settings, meter: Meter) -> None:
        self.name = ",".join(order)
        self._order = order
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        return self._first_available(lambda provider: provider.analyze(kind, evidence, language, tick))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        return self._first_available(lambda provider: provider.transcribe(clip, tick))

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Return the vectors of the first provider that supports embeddings, without a fallback while it is down.

        Vectors of different models cannot be compared, so an outage must not change the model.
        """
        return self._first_available(lambda provider: provider.embed(texts, purpose, tick), fall_back=False)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """Yield the answer in pieces, without a fallback once the first piece has arrived."""
        first_pieces, pieces = self._first_available(
            lambda provider: _start_stream(provider.chat(instructions, turns, tick))
        )
        yield from first_pieces
        yield from pieces

    def _first_available(self, call: Callable[[Provider], T], fall_back: bool = True) -> T:
        """Return the result of the first available provider.

        Raises TransientError if all providers that support the operation are down, PermanentError `provider_cannot` if
        none supports it, and any other PermanentError at once.
        """
        problem: TransientError | PermanentError | None = None
        for name in self._order:
            try:
                return call(PROVIDERS[name].create(self._settings, self._meter))
            except TransientError as error:
                log.warning("%s is down: %s", name, error.code)
                problem = error
                if not fall_back:
                    break
                self._meter.note(f"The provider {name} was not available ({error.code}).")
            except PermanentError as error:
                if error.code != ProviderCode.PROVIDER_CANNOT:
                    raise
                problem = problem or error
        raise problem or AssertionError("an order has at least one provider")


def _start_stream(pieces: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """Return the first piece and the rest, so that an error before the first piece is raised here."""
    return list(islice(pieces, 1)), pieces
