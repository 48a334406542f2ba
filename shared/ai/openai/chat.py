"""Conversation through OpenAI's chat completions, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shared.ai.meter import Meter
from shared.ai.openai.calls import translate_errors, unavailable_error
from shared.ai.provider import Turn
from shared.ai.talking import ESTIMATE_NOTE, MAX_CHAT_TOKENS, chat_refused_error, chat_too_long_error, estimate_tokens
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessageParam


def stream_chat(
    client: OpenAI, model: str, instructions: str, turns: Sequence[Turn], meter: Meter, tick: Tick
) -> Iterator[str]:
    """The answer to the last turn, in pieces.

    Raises what `shared.ai.openai.calls.told` does, in the middle of the answer too, and PermanentError
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
    """Count the call; one that broke off, by our fault or the service's, tells no tokens but is billed for all that."""
    if usage:
        meter.count("openai", model, usage.prompt_tokens, usage.completion_tokens)
    else:
        meter.note(ESTIMATE_NOTE)
        meter.count("openai", model, estimate_tokens(*request_texts), estimate_tokens(*answer_texts))
