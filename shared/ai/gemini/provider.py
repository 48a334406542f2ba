"""Gemini, with an API key or through Vertex AI: watches and hears the whole video.

A video that fits goes inside the request, a larger one through the Files API, from where it is deleted afterwards.
Vertex AI has no Files API: there a larger video is shown by its key frames. The service looks at one frame a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from shared.ai.asking import Answer, Repair, ask_for
from shared.ai.gemini.answers import asked, conversation
from shared.ai.gemini.calls import connected
from shared.ai.gemini.chat import talk
from shared.ai.gemini.embeddings import embed
from shared.ai.gemini.files import INLINE_BYTES, uploaded
from shared.ai.gemini.speech import listen
from shared.ai.meter import Meter
from shared.ai.prompt import evidence_text, instructions
from shared.ai.provider import Analysis, Embedded, Heard, Sound, Turn
from shared.ai.screen_text import observe
from shared.analyses.evidence import Evidence, Line
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Part

LOOKING, SENT = 0.15, 0.3
"""How much of the work is done when a kind's measures are taken, and when the video is handed over."""
TYPES = {"webm": "video/webm", "mp4": "video/mp4", "avi": "video/x-msvideo", "mpeg": "video/mpeg", "flv": "video/x-flv"}
"""Media types that Gemini takes, by a word of the container's name; anything else is sent as MP4."""


class GeminiProvider:
    name = "gemini"

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.gemini_api_key and not settings.google_genai_use_vertexai:
            raise PermanentError(
                "provider_key_missing",
                "Gemini is selected but has no API key. Set GEMINI_API_KEY or GOOGLE_GENAI_USE_VERTEXAI.",
            )
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        rules = instructions(kind, evidence, language)
        # Nor is a video handed over when there is to be no call.
        self._meter.allow()
        screen: Sequence[Line] = []
        if kind.measure:
            # Gemini reads the screen by itself, but a measure has to be the same whoever analyses.
            evidence, screen = observe(kind, evidence, language, tick_within(tick, 0, LOOKING))
        evidence = replace(evidence, heard=self._takes_whole(evidence))
        text = evidence_text(evidence, screen)
        asking, model = tick_within(tick, SENT, 1), self._settings.gemini_model
        with (
            connected(self._settings) as client,
            self._shown(client, evidence, tick_within(tick, LOOKING if kind.measure else 0, SENT)) as (parts, frames),
        ):

            def ask(room: int, repair: Repair | None) -> Answer:
                self._meter.allow()
                contents = conversation(parts, text, repair)
                return asked(client, model, rules, contents, kind.schema, room, self._meter, asking)

            result = ask_for(kind.schema, ask, asking)
        if kind.complete:
            result = kind.complete(result, evidence, language)
        return Analysis(result, self._meter.total(self.name, model, kind.prompt_version, frames))

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        given = self._settings
        with connected(given) as client:
            return listen(client, given.gemini_model, sound, not given.google_genai_use_vertexai, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        with connected(self._settings) as client:
            return embed(client, self._settings.gemini_embed_model, texts, purpose, self._meter, tick)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        with connected(self._settings) as client:
            yield from talk(client, self._settings.gemini_model, instructions, turns, self._meter, tick)

    def _takes_whole(self, evidence: Evidence) -> bool:
        return evidence.source is not None and (fits(evidence) or not self._settings.google_genai_use_vertexai)

    @contextmanager
    def _shown(self, client: Client, evidence: Evidence, tick: Tick) -> Iterator[tuple[list[Part], int]]:
        """What the model is to look at, and how many pictures of it the service takes."""
        from google.genai.types import Part

        whole = round(evidence.info.duration_sec) or 1
        if evidence.source is None or not evidence.heard:
            self._meter.note("Gemini received key frames instead of the whole video.")
            yield key_frames(evidence), len(evidence.frames)
            return
        tick(0, "Downloading the video")
        path, media_type = evidence.source(), media_type_of(evidence.info.container)
        if fits(evidence):
            yield [Part.from_bytes(data=path.read_bytes(), mime_type=media_type)], whole
            return
        with uploaded(client, path, media_type, tick) as uri:
            yield [Part.from_uri(file_uri=uri, mime_type=media_type)], whole


def fits(evidence: Evidence) -> bool:
    """Whether the video can go inside a request."""
    return evidence.info.size_bytes <= INLINE_BYTES


def media_type_of(container: str) -> str:
    return next((media_type for word, media_type in TYPES.items() if word in container), TYPES["mp4"])


def key_frames(evidence: Evidence) -> list[Part]:
    """Each key frame after a line with its time."""
    from google.genai.types import Part

    parts: list[Part] = []
    for frame, path in evidence.frames:
        parts.append(Part.from_text(text=f"Key frame at {frame.time:.2f} s:"))
        parts.append(Part.from_bytes(data=path.read_bytes(), mime_type="image/jpeg"))
    return parts
