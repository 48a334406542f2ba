"""OpenAI, or a server that speaks its protocol: looks at key frames and reads transcript, caption and on-screen text.

Key frames go as JPEG data URLs with detail `low`: the service then sees each in at most 512 pixels for a small fixed
number of tokens (85 with its older models). Words on the screen do not need more, because they are read here and go in
as text. So a video costs about the same whatever its length.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from shared.ai.asking import ModelAnswer, RepairRequest, analysis_refused_error, request_structured_output
from shared.ai.meter import Meter
from shared.ai.openai.calls import create_client, translate_errors, unavailable_error
from shared.ai.openai.chat import stream_chat
from shared.ai.openai.embeddings import embed
from shared.ai.openai.speech import transcribe_clip
from shared.ai.prompt import evidence_text, instructions
from shared.ai.provider import AnalysisResult, AudioClip, EmbeddingResult, Transcription, Turn
from shared.ai.schema import answer_schema
from shared.ai.screen_text import measure_evidence
from shared.analyses.evidence import Evidence, TimedLine
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionContentPartParam, ChatCompletionMessageParam

SCREEN_SHARE = 0.4
"""Share of the work that reading the screen is."""


class OpenAIProvider:
    name = "openai"

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.openai_api_key and not settings.openai_base_url:
            raise PermanentError("provider_key_missing", "OpenAI is selected but has no API key. Set OPENAI_API_KEY.")
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        rules = instructions(kind, evidence, language)
        evidence, screen = measure_evidence(kind, evidence, language, tick_within(tick, 0, SCREEN_SHARE))
        content = evidence_content(evidence, screen)
        with create_client(self._settings) as client:

            def call_model(max_tokens: int, repair: RepairRequest | None) -> ModelAnswer:
                self._meter.allow()
                return self._request_answer(client, kind, analysis_messages(rules, content, repair), max_tokens)

            result = request_structured_output(kind.schema, call_model, tick_within(tick, SCREEN_SHARE, 1))
        if kind.complete:
            result = kind.complete(result, evidence, language)
        frames = len(evidence.frames)
        return AnalysisResult(
            result, self._meter.total(self.name, self._settings.openai_model, kind.prompt_version, frames)
        )

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        with create_client(self._settings) as client:
            return transcribe_clip(client, self._settings.openai_transcribe_model, clip, self._meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """OpenAI's models make the same vectors for both purposes."""
        with create_client(self._settings) as client:
            return embed(client, self._settings.openai_embed_model, texts, self._meter, tick)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        with create_client(self._settings) as client:
            yield from stream_chat(client, self._settings.openai_model, instructions, turns, self._meter, tick)

    def _request_answer(
        self, client: OpenAI, kind: Kind, messages: list[ChatCompletionMessageParam], max_tokens: int
    ) -> ModelAnswer:
        with translate_errors():
            completion = client.chat.completions.create(
                model=self._settings.openai_model,
                messages=messages,
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": kind.name, "strict": True, "schema": answer_schema(kind.schema)},
                },
                max_completion_tokens=max_tokens,
            )
        if completion.usage:
            usage = completion.usage
            self._meter.count(self.name, self._settings.openai_model, usage.prompt_tokens, usage.completion_tokens)
        return read_answer(completion)


def evidence_content(evidence: Evidence, screen: Sequence[TimedLine]) -> list[ChatCompletionContentPartParam]:
    """The parts of the user's message: each key frame after a line with its time, and all texts in one part."""
    parts: list[ChatCompletionContentPartParam] = []
    for frame, path in evidence.frames:
        picture = base64.b64encode(path.read_bytes()).decode()
        parts.append({"type": "text", "text": f"Key frame at {frame.time:.2f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}", "detail": "low"}})
    parts.append({"type": "text", "text": evidence_text(evidence, screen)})
    return parts


def analysis_messages(
    rules: str, content: list[ChatCompletionContentPartParam], repair: RepairRequest | None
) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": rules},
        {"role": "user", "content": content},
    ]
    if repair:
        messages.append({"role": "assistant", "content": repair.answer})
        messages.append({"role": "user", "content": repair.prompt})
    return messages


def read_answer(completion: ChatCompletion) -> ModelAnswer:
    """Looks at refusal and finish reason before anything is parsed; raises PermanentError `refused`, TransientError."""
    if not completion.choices:
        raise unavailable_error()
    choice = completion.choices[0]
    if choice.message.refusal:
        raise analysis_refused_error("it refused")
    if choice.finish_reason == "content_filter":
        raise analysis_refused_error("content filter")
    if choice.finish_reason == "length":
        return ModelAnswer(choice.message.content or "", truncated=True)
    return ModelAnswer(choice.message.content or "")
