"""The provider for OpenAI or a compatible server. Its input is key frames, transcript, caption and on-screen text.

Key frames are sent as JPEG data URLs with detail `low`, so the service reduces each to at most 512 pixels at a small
fixed number of tokens (85 with its older models). On-screen text is read locally and sent as text, so it needs no more
detail. The cost of a video hardly depends on its length.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from shared.ai.links import LinkFilter
from shared.ai.openai.client import PRICES, create_client, optional_feature, translate_errors, unavailable_error
from shared.ai.openai.speech import transcribe_clip
from shared.ai.prompt import evidence_text, instructions, measure_evidence
from shared.ai.provider import (
    ESTIMATE_NOTE,
    MAX_CHAT_TOKENS,
    AnalysisResult,
    AudioClip,
    EmbeddingResult,
    Transcription,
    Turn,
    chat_refused_error,
    chat_too_long_error,
    estimate_tokens,
)
from shared.ai.structured_output import (
    ModelAnswer,
    RepairRequest,
    analysis_refused_error,
    answer_schema,
    request_structured_output,
)
from shared.ai.usage import Meter
from shared.ai.vectors import DIMENSIONS, batches, normalize_vectors, threshold_for, truncate_texts
from shared.ai.windows import Window, analyze_windows, divide_evidence
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletion, ChatCompletionContentPartParam, ChatCompletionMessageParam

SCREEN_SHARE = 0.4
"""Share of reading the screen in the progress of an analysis."""
BATCH_TEXTS, BATCH_BYTES = 2_048, 300_000
"""Limits of one embedding request; a token has at least one byte."""
MIN_SIMILARITY = {"text-embedding-3": 0.2}
"""See `shared.ai.vectors.threshold_for`."""


class OpenAIProvider:
    name = PRICES.provider

    def __init__(self, settings: Settings, meter: Meter) -> None:
        """Raises PermanentError `provider_key_missing`."""
        if not settings.openai_api_key and not settings.openai_base_url:
            raise PermanentError("provider_key_missing", "OpenAI is selected but has no API key. Set OPENAI_API_KEY.")
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        rules = instructions(kind, evidence, language)
        evidence, screen = measure_evidence(kind, evidence, language, self._meter, tick_within(tick, 0, SCREEN_SHARE))
        with create_client(self._settings) as client:

            def ask(further_rules: str, window: Window | None, text: str, tick: Tick) -> BaseModel:
                content = message_content(window.evidence if window else None, text)

                def call_model(max_tokens: int, repair: RepairRequest | None) -> ModelAnswer:
                    self._meter.allow()
                    messages = analysis_messages(rules + further_rules, content, repair)
                    return self._request_answer(client, kind, messages, max_tokens)

                return request_structured_output(kind.schema, call_model, tick)

            windows = divide_evidence(evidence, screen)
            result = analyze_windows(windows, evidence, ask, tick_within(tick, SCREEN_SHARE, 1))
        result = LinkFilter([evidence_text(window.evidence, window.screen) for window in windows]).filter_model(result)
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
        """Return one vector per text; OpenAI's models make no difference between the purposes."""
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
            self._meter.count(PRICES, self._settings.openai_model, usage.prompt_tokens, usage.completion_tokens)
        return read_answer(completion)


def message_content(evidence: Evidence | None, text: str) -> list[ChatCompletionContentPartParam]:
    """Return the parts of the user's message: each key frame after a line with its time, then all texts in one part."""
    parts: list[ChatCompletionContentPartParam] = []
    for frame, path in evidence.frames if evidence else []:
        picture = base64.b64encode(path.read_bytes()).decode()
        parts.append({"type": "text", "text": f"Key frame at {frame.time:.2f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}", "detail": "low"}})
    parts.append({"type": "text", "text": text})
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
    """Return the answer; raises PermanentError `refused`, TransientError `provider_unavailable` if there is none."""
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


def stream_chat(
    client: OpenAI, model: str, instructions: str, turns: Sequence[Turn], meter: Meter, tick: Tick
) -> Iterator[str]:
    """Yield the answer to the last turn in pieces.

    Raises as `shared.ai.openai.client.translate_errors`, in the middle of the answer too, and PermanentError
    `answer_too_long`.
    """
    meter.allow()
    tick(0, "Sending the request to the AI")
    with translate_errors():
        stream = client.chat.completions.create(
            model=model,
            messages=chat_messages(instructions, turns),
            max_completion_tokens=MAX_CHAT_TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
    usage: CompletionUsage | None = None
    end: str | None = None
    pieces: list[str] = []
    try:
        with stream, translate_errors():
            for chunk in stream:
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    if choice.delta.refusal:
                        raise chat_refused_error("it refused")
                    end = choice.finish_reason or end
                    if choice.delta.content:
                        tick(0.5, "Receiving the answer")
                        pieces.append(choice.delta.content)
                        yield choice.delta.content
    finally:
        count_chat_usage(meter, model, usage, [instructions, *(turn.content for turn in turns)], pieces)
    if end == "content_filter":
        raise chat_refused_error("content filter")
    if end == "length":
        raise chat_too_long_error()
    if end is None or not pieces:
        raise unavailable_error()


def chat_messages(instructions: str, turns: Sequence[Turn]) -> list[ChatCompletionMessageParam]:
    conversation: list[ChatCompletionMessageParam] = [{"role": "system", "content": instructions}]
    for turn in turns:
        if turn.role == "user":
            conversation.append({"role": "user", "content": turn.content})
        else:
            conversation.append({"role": "assistant", "content": turn.content})
    return conversation


def count_chat_usage(
    meter: Meter, model: str, usage: CompletionUsage | None, request_texts: Sequence[str], answer_texts: Sequence[str]
) -> None:
    """Count the call. An interrupted one reports no tokens but is billed, so its tokens are estimated."""
    if usage:
        meter.count(PRICES, model, usage.prompt_tokens, usage.completion_tokens)
    else:
        meter.note(ESTIMATE_NOTE)
        meter.count(PRICES, model, estimate_tokens(*request_texts), estimate_tokens(*answer_texts))


def embed(client: OpenAI, model: str, texts: Sequence[str], meter: Meter, tick: Tick) -> EmbeddingResult:
    """Raises as `shared.ai.openai.client.optional_feature` and `shared.ai.vectors.normalize_vectors`."""
    vectors: list[list[float]] = []
    for batch in batches(truncate_texts(texts), BATCH_TEXTS, BATCH_BYTES):
        meter.allow()
        tick(len(vectors) / len(texts), "Embedding texts")
        with optional_feature("embeddings"):
            answer = client.embeddings.create(model=model, input=batch, dimensions=DIMENSIONS)
            ordered = sorted(answer.data, key=lambda item: item.index)
        if answer.usage:
            meter.count(PRICES, model, answer.usage.prompt_tokens, 0)
        vectors += normalize_vectors([item.embedding for item in ordered], len(batch), model)
    return EmbeddingResult(
        vectors, DIMENSIONS, meter.total(PRICES.provider, model), threshold_for(model, MIN_SIMILARITY)
    )
