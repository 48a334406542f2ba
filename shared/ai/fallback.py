"""Which provider serves a kind, and which ones stand in while it is down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
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


def provider_for(kind: Kind, settings: Settings, meter: Meter) -> Provider:
    """The provider that is to do everything for jobs of `kind`, with its stand-ins."""
    return FallbackProvider(provider_order(kind.name, settings), settings, meter)


def provider_order(kind_name: str, settings: Settings) -> list[str]:
    """Names of providers, the first choice first."""
    configured = settings.ai_provider_kind.get(kind_name, settings.ai_provider)
    if configured != "auto":
        return configured.split(",")
    credentials = {
        "gemini": settings.gemini_api_key or settings.google_genai_use_vertexai,
        "openai": settings.openai_api_key or settings.openai_base_url,
    }
    return [name for name, is_set in credentials.items() if is_set] or ["offline"]


class FallbackProvider:
    """Asks one provider after the other until one is not down. All their calls count, and who stood in is noted.

    One that does not do what is asked of it at all is passed over without a word.
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
        """The vectors of the first provider that makes any; nobody stands in for it while it is down.

        Vectors of different models cannot be compared, so they must not come from another one by chance.
        """
        return self._first_available(lambda provider: provider.embed(texts, purpose, tick), fall_back=False)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        """Nobody stands in for a provider that fails in the middle of its answer."""
        first_pieces, pieces = self._first_available(
            lambda provider: _start_stream(provider.chat(instructions, turns, tick))
        )
        yield from first_pieces
        yield from pieces

    def _first_available(self, call: Callable[[Provider], T], fall_back: bool = True) -> T:
        """Raises TransientError when all that can do it are down, PermanentError `provider_cannot` when none can."""
        problem: TransientError | PermanentError | None = None
        for name in self._order:
            try:
                return call(PROVIDERS[name](self._settings, self._meter))
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
    """The first piece and the rest, so that what goes wrong before the first one goes wrong here."""
    return list(islice(pieces, 1)), pieces


def _openai(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.openai.provider import OpenAIProvider

    return OpenAIProvider(settings, meter)


def _gemini(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.gemini.provider import GeminiProvider

    return GeminiProvider(settings, meter)


def _offline(settings: Settings, meter: Meter) -> Provider:
    from shared.ai.offline.provider import OfflineProvider

    return OfflineProvider(settings.whisper_model_dir, meter)


PROVIDERS: dict[str, Callable[[Settings, Meter], Provider]] = {
    "openai": _openai,
    "gemini": _gemini,
    "offline": _offline,
}
