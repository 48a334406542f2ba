"""Streamed chat completions, in whatever form the server understands.

With a stream, AI_TIMEOUT_SEC is the longest silence, not the longest answer. OpenAI takes `max_completion_tokens` only;
Ollama and LM Studio ignore it and take `max_tokens`. What a compatible server refuses is left out, and not sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from shared.ai.openai.endpoint import Endpoint
from shared.ai.openai.errors import server_message, translate_errors, unavailable_error
from shared.ai.provider import ESTIMATE_NOTE, estimate_tokens
from shared.ai.structured_output import Schema
from shared.ai.usage import ServiceMeter

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessageParam

NO_PICTURES = re.compile(r"\b(images?|vision|visual|multi-?modal|mmproj|image_url)\b", re.IGNORECASE)
NO_SCHEMA = re.compile(r"response_format|json_schema|grammar", re.IGNORECASE)


@dataclass
class CompletionEnd:
    """How a completion ended; set once its last piece has been read.

    Attributes:
        reason: `finish_reason` of the service; None if the stream broke off.
    """

    reason: str | None = None
    is_refused: bool = False


@dataclass
class _Dialect:
    """What the server understands, as far as it is known."""

    limit_field: str
    takes_pictures: bool = True
    takes_schema: bool = True

    def adapt(self, words: str, has_pictures: bool, has_schema: bool) -> bool:
        """Leave out what the server refuses; return False if that is nothing of this."""
        if "max_completion_tokens" in words and self.limit_field == "max_tokens":
            self.limit_field = "max_completion_tokens"
        elif has_pictures and self.takes_pictures and NO_PICTURES.search(words):
            self.takes_pictures = False
        elif has_schema and self.takes_schema and NO_SCHEMA.search(words):
            self.takes_schema = False
        else:
            return False
        return True


class Completions:
    """The chat completions of one endpoint. Each call is counted by the meter, also if it breaks off."""

    def __init__(self, client: OpenAI, endpoint: Endpoint, meter: ServiceMeter) -> None:
        self._client, self._endpoint, self._meter = client, endpoint, meter
        self._dialect = _Dialect("max_completion_tokens" if endpoint.is_vendor else "max_tokens")

    @property
    def takes_pictures(self) -> bool:
        """False once the server has refused pictures."""
        return self._dialect.takes_pictures

    def stream(
        self,
        messages: Sequence[ChatCompletionMessageParam],
        max_tokens: int,
        end: CompletionEnd,
        schema: tuple[str, Schema] | None = None,
    ) -> Iterator[str]:
        """Yield the pieces of the answer, and set `end`.

        Args:
            schema: Name and JSON Schema of the answer.

        Raises as `translate_errors`, in the middle of the answer too.
        """
        usage: CompletionUsage | None = None
        pieces: list[str] = []
        self._meter.allow()
        with translate_errors(self._endpoint):
            stream = self._open(messages, max_tokens, schema)
        try:
            with stream, translate_errors(self._endpoint):
                for chunk in stream:
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        end.is_refused = end.is_refused or bool(choice.delta.refusal)
                        end.reason = choice.finish_reason or end.reason
                        if choice.delta.content:
                            pieces.append(choice.delta.content)
                            yield choice.delta.content
        finally:
            self._count(usage, messages, pieces)
        if end.reason is None and not end.is_refused:
            raise unavailable_error(self._endpoint)

    def _open(
        self, messages: Sequence[ChatCompletionMessageParam], max_tokens: int, schema: tuple[str, Schema] | None
    ) -> Any:
        """Open the stream; at a compatible server, again for each thing that it refuses."""
        from openai import APIStatusError

        has_pictures = any(map(_has_pictures, messages))
        while True:
            try:
                return self._client.chat.completions.create(**self._request(messages, max_tokens, schema))
            except APIStatusError as error:
                if self._endpoint.is_vendor or not self._adapt(error, has_pictures, schema is not None):
                    raise

    def _adapt(self, error: APIStatusError, has_pictures: bool, has_schema: bool) -> bool:
        took_pictures = self._dialect.takes_pictures
        is_adapted = self._dialect.adapt(f"{server_message(error)} {error.param or ''}", has_pictures, has_schema)
        if took_pictures and not self._dialect.takes_pictures:
            self._meter.note(f"The model {self._endpoint.model} does not accept pictures; it received text only.")
        return is_adapted

    def _request(
        self, messages: Sequence[ChatCompletionMessageParam], max_tokens: int, schema: tuple[str, Schema] | None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [*messages] if self._dialect.takes_pictures else [_without_pictures(it) for it in messages],
            self._dialect.limit_field: max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if schema and self._dialect.takes_schema:
            name, definition = schema
            json_schema = {"name": name, "strict": True, "schema": definition}
            request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        return request

    def _count(
        self, usage: CompletionUsage | None, messages: Sequence[ChatCompletionMessageParam], pieces: Sequence[str]
    ) -> None:
        """Count the call. An interrupted one reports no tokens but is billed, so its tokens are estimated."""
        model = self._endpoint.model
        if usage:
            self._meter.count(model, usage.prompt_tokens or 0, usage.completion_tokens or 0)
            return
        if self._endpoint.is_vendor:
            self._meter.note(ESTIMATE_NOTE)
        texts = [text for message in messages for text in _texts(message)]
        self._meter.count(model, estimate_tokens(*texts), estimate_tokens(*pieces))


def _parts(message: ChatCompletionMessageParam) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return cast(list[dict[str, Any]], content or [])


def _texts(message: ChatCompletionMessageParam) -> list[str]:
    return [part["text"] for part in _parts(message) if part["type"] == "text"]


def _has_pictures(message: ChatCompletionMessageParam) -> bool:
    return any(part["type"] == "image_url" for part in _parts(message))


def _without_pictures(message: ChatCompletionMessageParam) -> ChatCompletionMessageParam:
    """Return the message with its texts only, as one: some servers of text models take no list of parts."""
    if not _has_pictures(message):
        return message
    return cast("ChatCompletionMessageParam", {**message, "content": "\n".join(_texts(message))})
