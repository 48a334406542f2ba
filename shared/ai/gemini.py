"""Gemini, with an API key or through Vertex AI: watches and hears the whole video.

A video that fits goes inside the request, a larger one through the Files API, from where it is deleted afterwards.
Vertex AI has no Files API: there a larger video is shown by its key frames. The service looks at one frame a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from shared.ai.asking import Answer, Repair, ask_for, refused
from shared.ai.gemini_calls import key_invalid, patiently, unavailable
from shared.ai.gemini_files import uploaded
from shared.ai.looking import looked_at
from shared.ai.meter import Meter
from shared.ai.prompt import evidence_text, instructions
from shared.ai.provider import Analysis, Embedded, Evidence, Heard, Line, Sound, Tick, Turn, part
from shared.ai.schema import answer_schema
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.settings import Settings

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentResponse, Part

INLINE_BYTES = 14_000_000
"""Largest video inside a request: a request has at most 20 MB, and base64 makes four bytes of three."""
LOOKING, SENT = 0.15, 0.3
"""How much of the work is done when a kind's measures are taken, and when the video is handed over."""
TYPES = {"webm": "video/webm", "mp4": "video/mp4", "avi": "video/x-msvideo", "mpeg": "video/mpeg", "flv": "video/x-flv"}
"""Media types that Gemini takes, by a word of the container's name; anything else is sent as MP4."""
REFUSALS = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR")
)
CUT_SHORT = ("MAX_TOKENS", "CONTINUATION")


class GeminiProvider:
    name = "gemini"

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.gemini_api_key and not settings.google_genai_use_vertexai:
            raise PermanentError(
                "provider_key_missing",
                "Gemini is chosen but has no key; set GEMINI_API_KEY or GOOGLE_GENAI_USE_VERTEXAI.",
            )
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        told = instructions(kind, evidence, language)
        # Nor is a video handed over when there is to be no call.
        self._meter.allow()
        screen: Sequence[Line] = []
        if kind.measure:
            # Gemini reads the screen by itself, but a measure has to be the same whoever analyses.
            evidence, screen = looked_at(kind, evidence, language, part(tick, 0, LOOKING))
        evidence = replace(evidence, heard=self._takes_whole(evidence))
        text = evidence_text(evidence, screen)
        asking = part(tick, SENT, 1)
        with (
            self._client() as client,
            self._shown(client, evidence, part(tick, LOOKING if kind.measure else 0, SENT)) as (parts, frames),
        ):

            def ask(room: int, repair: Repair | None) -> Answer:
                self._meter.allow()
                return self._answer(client, kind, told, conversation(parts, text, repair), room, asking)

            result = ask_for(kind.schema, ask, asking)
        if kind.complete:
            result = kind.complete(result, evidence, language)
        return Analysis(result, self._meter.total(self.name, self._settings.gemini_model, kind.prompt_version, frames))

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        raise PermanentError("provider_cannot", "Gemini is not asked to listen yet.")

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        raise PermanentError("provider_cannot", "Gemini is not asked for vectors yet.")

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        raise PermanentError("provider_cannot", "Gemini is not asked to talk yet.")

    def _client(self) -> Client:
        from google.auth.exceptions import GoogleAuthError
        from google.genai import Client
        from google.genai.types import HttpOptions

        given = self._settings
        options = HttpOptions(base_url=given.google_gemini_base_url or None, timeout=int(given.ai_timeout_sec * 1000))
        if given.google_genai_use_vertexai:
            try:
                return Client(
                    vertexai=True,
                    project=given.google_cloud_project or None,
                    location=given.google_cloud_location,
                    http_options=options,
                )
            # Without an identity, and without a project.
            except (GoogleAuthError, ValueError) as error:
                raise key_invalid() from error
        return Client(vertexai=False, api_key=given.gemini_api_key, http_options=options)

    def _takes_whole(self, evidence: Evidence) -> bool:
        return evidence.source is not None and (fits(evidence) or not self._settings.google_genai_use_vertexai)

    @contextmanager
    def _shown(self, client: Client, evidence: Evidence, tick: Tick) -> Iterator[tuple[list[Part], int]]:
        """What the model is to look at, and how many pictures of it the service takes."""
        from google.genai.types import Part

        whole = round(evidence.info.duration_sec) or 1
        if evidence.source is None or not evidence.heard:
            self._meter.note("Gemini saw the key frames instead of the whole video.")
            yield key_frames(evidence), len(evidence.frames)
            return
        tick(0, "Fetching the video")
        path, media_type = evidence.source(), media_type_of(evidence.info.container)
        if fits(evidence):
            yield [Part.from_bytes(data=path.read_bytes(), mime_type=media_type)], whole
            return
        with uploaded(client, path, media_type, tick) as uri:
            yield [Part.from_uri(file_uri=uri, mime_type=media_type)], whole

    def _answer(self, client: Client, kind: Kind, told: str, contents: list[Content], room: int, tick: Tick) -> Answer:
        from google.genai.types import GenerateContentConfig

        response = patiently(
            lambda: client.models.generate_content(
                model=self._settings.gemini_model,
                contents=[*contents],
                config=GenerateContentConfig(
                    system_instruction=told,
                    response_mime_type="application/json",
                    response_json_schema=answer_schema(kind.schema),
                    max_output_tokens=room,
                    # The SDK would ask for more without end.
                    automatic_continuation=False,
                ),
            ),
            tick,
        )
        if response.usage_metadata:
            usage = response.usage_metadata
            tokens_out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
            self._meter.count(self.name, self._settings.gemini_model, usage.prompt_token_count or 0, tokens_out)
        return answer_of(response)


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


def conversation(parts: list[Part], text: str, repair: Repair | None) -> list[Content]:
    from google.genai.types import Content, Part

    contents = [Content(role="user", parts=[*parts, Part.from_text(text=text)])]
    if repair:
        contents.append(Content(role="model", parts=[Part.from_text(text=repair.answer)]))
        contents.append(Content(role="user", parts=[Part.from_text(text=repair.request)]))
    return contents


def answer_of(response: GenerateContentResponse) -> Answer:
    """Looks at block and finish reason before anything is parsed; raises PermanentError `refused`, TransientError."""
    if response.prompt_feedback and response.prompt_feedback.block_reason:
        raise refused(response.prompt_feedback.block_reason.value.lower().replace("_", " "))
    if not response.candidates:
        raise unavailable()
    candidate = response.candidates[0]
    reason = candidate.finish_reason.value if candidate.finish_reason else "STOP"
    if reason in REFUSALS:
        raise refused(reason.lower().replace("_", " "))
    parts = (candidate.content.parts if candidate.content else None) or []
    text = "".join(one.text for one in parts if one.text and not one.thought)
    if reason not in ("STOP", *CUT_SHORT):
        raise unavailable()
    return Answer(text, truncated=reason in CUT_SHORT)
