"""OpenAI, or a server that speaks its protocol: looks at key frames and reads transcript, caption and on-screen text.

Key frames go as JPEG data URLs with detail `low`: the service then sees each in at most 512 pixels for a small fixed
number of tokens (85 with its older models). Words on the screen do not need more, because they are read here and go in
as text. So a video costs about the same whatever its length.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from shared.ai.asking import Answer, Repair, ask_for, refused
from shared.ai.meter import Meter
from shared.ai.openai.calls import connected, told, unavailable
from shared.ai.openai.chat import talk
from shared.ai.openai.embeddings import embed
from shared.ai.openai.speech import listen
from shared.ai.prompt import evidence_text, instructions
from shared.ai.provider import Analysis, Embedded, Heard, Sound, Turn
from shared.ai.schema import answer_schema
from shared.ai.screen_text import observe
from shared.analyses.evidence import Evidence, Line
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionContentPartParam, ChatCompletionMessageParam

LOOKING = 0.4
"""Share of the work that reading the screen is."""


class OpenAIProvider:
    name = "openai"

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.openai_api_key and not settings.openai_base_url:
            raise PermanentError("provider_key_missing", "OpenAI is selected but has no API key. Set OPENAI_API_KEY.")
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> Analysis:
        rules = instructions(kind, evidence, language)
        evidence, screen = observe(kind, evidence, language, tick_within(tick, 0, LOOKING))
        content = pictures_and_texts(evidence, screen)
        with connected(self._settings) as client:

            def ask(room: int, repair: Repair | None) -> Answer:
                self._meter.allow()
                return self._answer(client, kind, conversation(rules, content, repair), room)

            result = ask_for(kind.schema, ask, tick_within(tick, LOOKING, 1))
        if kind.complete:
            result = kind.complete(result, evidence, language)
        frames = len(evidence.frames)
        return Analysis(result, self._meter.total(self.name, self._settings.openai_model, kind.prompt_version, frames))

    def transcribe(self, sound: Sound, tick: Tick) -> Heard:
        with connected(self._settings) as client:
            return listen(client, self._settings.openai_transcribe_model, sound, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> Embedded:
        """OpenAI's models make the same vectors for both purposes."""
        with connected(self._settings) as client:
            return embed(client, self._settings.openai_embed_model, texts, self._meter, tick)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        with connected(self._settings) as client:
            yield from talk(client, self._settings.openai_model, instructions, turns, self._meter, tick)

    def _answer(self, client: OpenAI, kind: Kind, messages: list[ChatCompletionMessageParam], room: int) -> Answer:
        with told():
            completion = client.chat.completions.create(
                model=self._settings.openai_model,
                messages=messages,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": kind.name, "strict": True, "schema": answer_schema(kind.schema)},
                },
                max_completion_tokens=room,
            )
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
    rules: str, content: list[ChatCompletionContentPartParam], repair: Repair | None
) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": rules},
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
