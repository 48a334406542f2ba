"""Answers in the form of OpenAI's chat completions, with citations as Markdown links into the console."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from functions.api.event_streams import ChatStream, console_link
from functions.api.openai_errors import openai_error
from functions.api.problems import status_of
from shared import clock
from shared.chat.answer import AnswerEvent, CitationEvent, Question, TextEvent
from shared.chat.history import clock_time
from shared.errors import ClipwiseError
from shared.exports.markup import escape_links, escape_markdown
from shared.models.chat import ChatMessage, Citation
from shared.models.job import Usage
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Place

_MARKER = re.compile(r"\[(\d+)\]")
STREAM_END = b"data: [DONE]\n\n"


class CompletionMessage(BaseModel):
    role: Literal["assistant"] = Field(description="Always `assistant`.")
    content: str = Field(description="The answer in Markdown. Citations are links to the moment in the console.")


class CompletionChoice(BaseModel):
    index: int = Field(description="Always 0: there is one answer.")
    message: CompletionMessage = Field(description="The answer.")
    finish_reason: Literal["stop"] = Field(description="Always `stop`.")


class CompletionUsage(BaseModel):
    prompt_tokens: int = Field(description="Number of input tokens. 0 without an AI provider.")
    completion_tokens: int = Field(description="Number of output tokens.")
    total_tokens: int = Field(description="Sum of both.")


class Completion(BaseModel):
    """An answer in OpenAI's form."""

    id: str = Field(description="Identifier of the answer.")
    object: Literal["chat.completion"] = Field(description="Always `chat.completion`.")
    created: int = Field(description="When the answer was created, in seconds since 1970.")
    model: str = Field(description="The model of the request.")
    choices: list[CompletionChoice] = Field(description="The answer, as the only item.")
    usage: CompletionUsage = Field(description="Tokens used to generate the answer.")


class CompletionStream(ChatStream):
    """One answer as a chat completion, whole or in chunks.

    Args:
        with_usage: Whether the last chunk reports the usage.
    """

    def __init__(self, place: Place, question: Question, model: str, with_usage: bool) -> None:
        super().__init__(place, question)
        self._id, self._created, self._model = f"chatcmpl-{new_id()}", int(clock.now().timestamp()), model
        self._with_usage, self._has_begun = with_usage, False
        self._links: dict[int, str] = {}

    def render_event(self, event: AnswerEvent) -> bytes:
        match event:
            case CitationEvent(citation):
                self._links[citation.number] = citation_link(citation)
                return b""
            case TextEvent(text):
                return self._text_chunk(link_citations(text, self._links))
            case _:
                sources = self._text_chunk(source_list(event.message.citations)) if event.message.citations else b""
                end = self._chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
                usage = self._chunk([], usage=usage_json(event.message.usage)) if self._with_usage else b""
                return sources + end + usage + STREAM_END

    def render_error(self, error: ClipwiseError) -> bytes:
        return _data_event(openai_error(error.code, error.message, status_of(error)))

    def answer_json(self, message: ChatMessage) -> dict[str, Any]:
        links = {citation.number: citation_link(citation) for citation in message.citations}
        content = link_citations(message.content, links) + source_list(message.citations)
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        completion = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
            "usage": usage_json(message.usage),
        }
        return Completion.model_validate(completion).model_dump()

    def _text_chunk(self, text: str) -> bytes:
        delta = {"content": text} if self._has_begun else {"role": "assistant", "content": text}
        self._has_begun = True
        return self._chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        head = {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": self._model}
        return _data_event(head | {"choices": choices} | more)


def citation_link(citation: Citation) -> str:
    return console_link(citation.video_id, citation.start)


def link_citations(text: str, links: Mapping[int, str]) -> str:
    """Return text as Markdown in which the markers of citations are the only links: `[[1]](https://…)`."""
    parts = _MARKER.split(text)
    for position, part in enumerate(parts):
        if position % 2 == 0:
            parts[position] = escape_links(part)
        else:
            link = links.get(int(part[:9]))
            parts[position] = f"[[{part}]]({link})" if link else escape_links(f"[{part}]")
    return "".join(parts)


def source_list(citations: Sequence[Citation]) -> str:
    """Return the sources of an answer as a numbered list after it; nothing without any."""
    lines = [
        f"{citation.number}. [{escape_markdown(citation.title or 'Video')}, {clock_time(citation.start)}]"
        f"({citation_link(citation)})"
        for citation in citations
    ]
    return "\n\n" + "\n".join(lines) if lines else ""


def usage_json(usage: Usage) -> dict[str, int]:
    return CompletionUsage(
        prompt_tokens=usage.tokens_in,
        completion_tokens=usage.tokens_out,
        total_tokens=usage.tokens_in + usage.tokens_out,
    ).model_dump()


def _data_event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
