"""The provider for OpenAI or a compatible server. Its input is key frames, transcript, caption and on-screen text.

Key frames are sent as JPEG data URLs with detail `low`, so the service reduces each to at most 512 pixels at a small
fixed number of tokens (85 with its older models). On-screen text is read locally and sent as text, so it needs no more
detail. The cost of a video hardly depends on its length.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from shared.ai.links import LinkFilter
from shared.ai.openai.client import VENDOR, create_client, prices_for
from shared.ai.openai.completions import CompletionEnd, Completions
from shared.ai.openai.embeddings import embed_texts
from shared.ai.openai.endpoint import Endpoint, endpoint_for
from shared.ai.openai.errors import unavailable_error
from shared.ai.openai.speech import transcribe_clip
from shared.ai.prompt import evidence_text, instructions, measure_evidence
from shared.ai.provider import (
    MAX_CHAT_TOKENS,
    AnalysisResult,
    AudioClip,
    EmbeddingResult,
    Task,
    Transcription,
    Turn,
    chat_refused_error,
    chat_too_long_error,
)
from shared.ai.structured_output import (
    ModelAnswer,
    RepairRequest,
    analysis_refused_error,
    answer_schema,
    request_structured_output,
)
from shared.ai.usage import Meter, ServiceMeter
from shared.ai.windows import AnalysisWindow, analyze_windows, divide_evidence
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import Kind
from shared.progress import Tick, tick_within
from shared.settings import Settings

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionMessageParam

SCREEN_SHARE = 0.4
"""Share of reading the screen in the progress of an analysis."""
SCHEMA_NOTE = "The JSON Schema of your answer:"


class OpenAIProvider:
    name = VENDOR

    def __init__(self, settings: Settings, meter: Meter) -> None:
        self._settings = settings
        self._meter = meter

    def analyze(self, kind: Kind, evidence: Evidence, language: str, tick: Tick) -> AnalysisResult:
        rules = instructions(kind, evidence, language)
        with self._open("analyze") as (client, endpoint, meter):
            screen_tick = tick_within(tick, 0, SCREEN_SHARE)
            evidence, screen = measure_evidence(kind, evidence, language, self._meter, screen_tick)
            schema = answer_schema(kind.schema)
            if not endpoint.is_vendor:
                # OpenAI shows the schema to its models; other servers only enforce it, if at all.
                rules = f"{rules}\n{SCHEMA_NOTE}\n{json.dumps(schema, ensure_ascii=False)}"
            completions = Completions(client, endpoint, meter)

            def request_result(further_rules: str, window: AnalysisWindow | None, text: str, tick: Tick) -> BaseModel:
                content = message_content(window.evidence if window else None, text)

                def call_model(max_tokens: int, repair: RepairRequest | None) -> ModelAnswer:
                    end = CompletionEnd()
                    messages = analysis_messages(rules + further_rules, content, repair)
                    pieces = []
                    for piece in completions.stream(messages, max_tokens, end, (kind.name, schema)):
                        pieces.append(piece)
                        tick(min(len(pieces) / max_tokens, 1), "Receiving the answer")
                    return read_answer("".join(pieces), end)

                return request_structured_output(kind.schema, call_model, tick)

            windows = divide_evidence(evidence, screen)
            result = analyze_windows(windows, evidence, request_result, tick_within(tick, SCREEN_SHARE, 1))
        result = LinkFilter([evidence_text(window.evidence, window.screen) for window in windows]).filter_model(result)
        if kind.complete:
            result = kind.complete(result, evidence, language)
        frames = len(evidence.frames) if completions.takes_pictures else 0
        return AnalysisResult(result, meter.total(endpoint.model, kind.prompt_version, frames))

    def transcribe(self, clip: AudioClip, tick: Tick) -> Transcription:
        with self._open("transcribe") as (client, endpoint, meter):
            return transcribe_clip(client, endpoint, clip, meter, tick)

    def embed(self, texts: Sequence[str], purpose: Literal["document", "query"], tick: Tick) -> EmbeddingResult:
        """Return one vector per text; the purpose makes no difference."""
        dimensions = self._settings.openai_embed_dimensions
        with self._open("embed") as (client, endpoint, meter):
            return embed_texts(client, endpoint, dimensions, texts, meter, tick)

    def chat(self, instructions: str, turns: Sequence[Turn], tick: Tick) -> Iterator[str]:
        end, is_empty = CompletionEnd(), True
        with self._open("chat") as (client, endpoint, meter):
            tick(0, "Sending the request to the AI")
            completions = Completions(client, endpoint, meter)
            for piece in completions.stream(chat_messages(instructions, turns), MAX_CHAT_TOKENS, end):
                tick(0.5, "Receiving the answer")
                is_empty = False
                yield piece
        if end.is_refused:
            raise chat_refused_error("it refused")
        if end.reason == "content_filter":
            raise chat_refused_error("content filter")
        if end.reason == "length":
            raise chat_too_long_error()
        if is_empty:
            raise unavailable_error(endpoint)

    @contextmanager
    def _open(self, task: Task) -> Iterator[tuple[OpenAI, Endpoint, ServiceMeter]]:
        """Raises PermanentError as `endpoint_for`."""
        endpoint = endpoint_for(task, self._settings)
        with create_client(endpoint, self._settings) as client:
            yield client, endpoint, ServiceMeter(self._meter, prices_for(endpoint, self._settings))


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


def read_answer(text: str, end: CompletionEnd) -> ModelAnswer:
    """Return the answer; raises PermanentError `refused`."""
    if end.is_refused:
        raise analysis_refused_error("it refused")
    if end.reason == "content_filter":
        raise analysis_refused_error("content filter")
    return ModelAnswer(text, truncated=end.reason == "length")


def chat_messages(instructions: str, turns: Sequence[Turn]) -> list[ChatCompletionMessageParam]:
    conversation: list[ChatCompletionMessageParam] = [{"role": "system", "content": instructions}]
    for turn in turns:
        if turn.role == "user":
            conversation.append({"role": "user", "content": turn.content})
        else:
            conversation.append({"role": "assistant", "content": turn.content})
    return conversation
