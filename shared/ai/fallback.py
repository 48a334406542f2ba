"""The AI providers: the registry of all, their order for a kind, and the fallback to the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

from shared.ai.openai.endpoint import is_configured as is_openai_configured
from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Provider, Task, Transcription, Turn
from shared.ai.usage import Meter
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.error_codes.jobs import ProviderCode
from shared.errors import PermanentError, TransientError
from shared.progress import Tick
from shared.settings import Settings
from shared.telemetry.spans import span

log = logging.getLogger(__name__)
T = TypeVar("T")
SKIPPING_CODES = frozenset((ProviderCode.PROVIDER_MODEL_MISSING, ProviderCode.PROVIDER_TIMEOUT))
"""Errors that no retry helps against, but another provider."""


@dataclass(frozen=True)
class ProviderEntry:
    """A provider in the registry.

    Attributes:
        create: Creates the provider. Only then its module is imported.
        key_settings: Settings each of which configures the provider; the first is its API key. Empty: none is needed.
        can_do: Whether the settings configure a task; by default, one of the key settings configures all of them.
        reads_links: Whether it reads a public video of YouTube from its link.
    """

    create: Callable[[Settings, Meter], Provider]
    key_settings: tuple[str, ...] = ()
    can_do: Callable[[Task, Settings], bool] | None = None
    reads_links: bool = False

    def is_configured(self, settings: Settings, task: Task = "analyze") -> bool:
        """Return True if the settings configure the task."""
        if self.can_do:
            return self.can_do(task, settings)
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
    "openai": ProviderEntry(_create_openai, ("openai_api_key", "openai_base_url"), is_openai_configured),
    "offline": ProviderEntry(_create_offline),
}
"""All providers by name, in the order of AI_PROVIDER=auto; `shared.setting_types.PROVIDER_NAMES` has the same names."""


def provider_for(kind: Kind, settings: Settings, meter: Meter, task: Task = "analyze") -> Provider:
    """Return the provider for a task of jobs of `kind`, with its fallbacks."""
    return FallbackProvider(provider_order(kind.name, settings, task), settings, meter)


def provider_order(kind_name: str, settings: Settings, task: Task = "analyze") -> list[str]:
    """Return the names of the providers for a task of a kind, the preferred one first.

    Speech ends with this machine's model, whose words are better than none; for results this would hide an outage.
    """
    configured = settings.ai_provider_kind.get(kind_name, settings.ai_provider)
    if configured != "auto":
        return configured.split(",")
    services = [name for name, entry in PROVIDERS.items() if entry.is_configured(settings, task)]
    return [*services, "offline"] if task == "transcribe" or not services else services


def configured_service(kind_name: str, settings: Settings, task: Task = "analyze") -> str | None:
    """Return the name of the first configured AI service for a task of a kind; None if there is none."""
    names = (name for name in provider_order(kind_name, settings, task) if name != "offline")
    return next((name for name in names if PROVIDERS[name].is_configured(settings, task)), None)


def can_read_link(kind: Kind, settings: Settings) -> bool:
    """Return True if the kind needs no file, and its first provider reads public links."""
    first = PROVIDERS.get(provider_order(kind.name, settings)[0])
    return not kind.needs_file and first is not None and first.reads_links and first.is_configured(settings)


class FallbackProvider:
    """Calls the providers of an order until one is available. The usage counts all calls and notes each fallback.

    A provider that does not support the operation is skipped without a note, and one whose model is missing or too slow
    with a note.
    """

    def __init__(self, order: list[str], settings: Settings, meter: Meter) -> None:
        self.name = ",".join(order)
        self._order = order
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        return self._first_available("analyze", lambda provider: provider.analyze(kind, evidence, language, tick))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        return self._first_available("transcribe", lambda provider: provider.transcribe(clip, tick))

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Return the vectors of the first provider that supports embeddings, without a fallback while it is down.

        Vectors of different models cannot be compared, so an outage must not change the model.
        """
        return self._first_available("embed", lambda provider: provider.embed(texts, purpose, tick), fall_back=False)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """Yield the answer in pieces, without a fallback once the first piece has arrived."""
        first_pieces, pieces = self._first_available(
            "chat", lambda provider: _start_stream(provider.chat(instructions, turns, tick))
        )
        yield from first_pieces
        yield from pieces

    def _first_available(self, task: Task, call: Callable[[Provider], T], fall_back: bool = True) -> T:
        """Return the result of the first available provider.

        Raises TransientError if all providers that support the operation are down, PermanentError `provider_cannot` if
        none supports it, the error of SKIPPING_CODES if one was skipped, and any other PermanentError at once.
        """
        problem: TransientError | PermanentError | None = None
        for name in self._order:
            try:
                with span(f"{task} {name}", "client", {"gen_ai.provider.name": name, "gen_ai.operation.name": task}):
                    return call(PROVIDERS[name].create(self._settings, self._meter))
            except TransientError as error:
                log.warning("%s is down: %s", name, error.code)
                problem = error
                if not fall_back:
                    break
                self._meter.note(f"The provider {name} was not available ({error.code}).")
            except PermanentError as error:
                if error.code in SKIPPING_CODES:
                    log.warning("%s is skipped: %s", name, error.code)
                    self._meter.note(f"The provider {name} was skipped: {error.message}")
                    problem = error
                elif error.code == ProviderCode.PROVIDER_CANNOT:
                    problem = problem or error
                else:
                    raise
        raise problem or AssertionError("an order has at least one provider")


def _start_stream(pieces: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """Return the first piece and the rest, so that an error before the first piece is raised here."""
    return list(islice(pieces, 1)), pieces
