"""OpenAI, or a server that speaks its protocol: looks at key frames and reads transcript, caption and on-screen text.

Key frames go as JPEG data URLs with detail `low`: the service then sees each in at most 512 pixels for a small fixed
number of tokens (85 with its older models). Words on the screen do not need more, because they are read here and go in
as text. So a video costs about the same whatever its length.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from shared.ai.asking import Answer, Repair, ask_for, refused
from shared.ai.looking import looked_at
from shared.ai.meter import Meter
from shared.ai.prompt import evidence_text, instructions
from shared.ai.provider import Analysis, Embedded, Evidence, Heard, Line, Sound, Tick, Turn, part
from shared.ai.schema import answer_schema
from shared.analyses.kinds import Kind
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI, OpenAIError
    from openai.types.chat import ChatCompletion, ChatCompletionContentPartParam, ChatCompletionMessageParam

RETRIES = 2
"""By the SDK, for timeouts, 429 and 5xx, after the pause that `Retry-After` asks for; it waits two minutes at most."""
LOOKING = 0.4
"""Share of the work that reading the screen is."""
OPENAI_URL = "https://api.openai.com/v1"
"""Named, because the SDK takes an empty variable in the environment at its word."""
NO_KEY = "none"
"""What a compatible server that wants no key is sent."""


class OpenAIProvider:
    name = "openai"

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.openai_api_key and not settings.openai_base_url:
            raise PermanentError("provider_key_missing", "OpenAI is chosen but has no key; set OPENAI_API_KEY.")
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        told = instructions(kind, evidence, language)
        evidence, screen = looked_at(kind, evidence, language, part(tick, 0, LOOKING))
        content = pictures_and_texts(evidence, screen)
        with self._client() as client:

            def ask(room: int, repair: Repair | None) -> Answer:
                self._meter.allow()
                return self._answer(client, kind, conversation(told, content, repair), room)

            result = ask_for(kind.schema, ask, part(tick, LOOKING, 1))
        if kind.complete:
            result = kind.complete(result, evidence, language)
        frames = len(evidence.frames)
        return Analysis(result, self._meter.total(self.name, self._settings.openai_model, kind.prompt_version, frames))

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        raise PermanentError("provider_cannot", "OpenAI is not asked to listen yet.")

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        raise PermanentError("provider_cannot", "OpenAI is not asked for vectors yet.")

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        raise PermanentError("provider_cannot", "OpenAI is not asked to talk yet.")

    def _client(self) -> OpenAI:
        from openai import OpenAI

        return OpenAI(
            api_key=self._settings.openai_api_key or NO_KEY,
            base_url=self._settings.openai_base_url or OPENAI_URL,
            timeout=self._settings.ai_timeout_sec,
            max_retries=RETRIES,
        )

    def _answer(self, client: OpenAI, kind: Kind, messages: list[ChatCompletionMessageParam], room: int) -> Answer:
        from openai import OpenAIError

        try:
            completion = client.chat.completions.create(
                model=self._settings.openai_model,
                messages=messages,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": kind.name, "strict": True, "schema": answer_schema(kind.schema)},
                },
                max_completion_tokens=room,
            )
        except OpenAIError as error:
            raise error_for(error) from error
        except json.JSONDecodeError as error:
            raise unavailable() from error
        if completion.usage:
            usage = completion.usage
            self._meter.count(self.name, self._settings.openai_model, usage.prompt_tokens, usage.completion_tokens)
        return answer_of(completion)


def pictures_and_texts(evidence: Evidence, screen: Sequence[Line]) -> list[ChatCompletionContentPartParam]:
    """The parts of the user's message: each key frame after a line with its time, and all texts in one part."""
    parts: list[ChatCompletionContentPartParam] = []
    for frame, path in evidence.frames:
        picture = base64.b64encode(path.read_bytes()).decode()
        parts.append({"type": "text", "text": f"Key frame at {frame.time:.2f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}", "detail": "low"}})
    parts.append({"type": "text", "text": evidence_text(evidence, screen)})
    return parts


def conversation(
    told: str, content: list[ChatCompletionContentPartParam], repair: Repair | None
) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": told},
        {"role": "user", "content": content},
    ]
    if repair:
        messages.append({"role": "assistant", "content": repair.answer})
        messages.append({"role": "user", "content": repair.request})
    return messages


def answer_of(completion: ChatCompletion) -> Answer:
    """Looks at refusal and finish reason before anything is parsed; raises PermanentError `refused`, TransientError."""
    if not completion.choices:
        raise unavailable()
    choice = completion.choices[0]
    if choice.message.refusal:
        raise refused("it refused")
    if choice.finish_reason == "content_filter":
        raise refused("content filter")
    if choice.finish_reason == "length":
        return Answer(choice.message.content or "", truncated=True)
    return Answer(choice.message.content or "")


def error_for(error: OpenAIError) -> ClipwiseError:
    """What a failure of the service means for the job, once the SDK has tried again as often as it does."""
    from openai import APIStatusError, AuthenticationError, ConflictError, PermissionDeniedError, RateLimitError

    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return PermanentError("provider_key_invalid", "OpenAI does not accept the key; check OPENAI_API_KEY.")
    if isinstance(error, RateLimitError) and error.code == "insufficient_quota":
        return TransientError("provider_quota", "OpenAI's quota is used up; see to its billing, then try again.")
    if isinstance(error, RateLimitError):
        return TransientError("provider_busy", "OpenAI takes no more requests at the moment; try again later.")
    if not isinstance(error, APIStatusError) or isinstance(error, ConflictError):
        return unavailable()
    if error.status_code >= 500 or error.status_code == 408:
        return unavailable()
    if error.code in ("content_policy_violation", "content_filter"):
        return refused("content policy")
    return PermanentError(
        "provider_request_invalid",
        f"OpenAI does not take the request (status {error.status_code}); check OPENAI_MODEL and OPENAI_BASE_URL.",
    )


def unavailable() -> TransientError:
    return TransientError("provider_unavailable", "OpenAI does not answer at the moment; try again later.")
