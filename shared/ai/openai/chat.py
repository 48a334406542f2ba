"""Conversation through OpenAI's chat completions, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shared.ai.meter import Meter
from shared.ai.openai.calls import told, unavailable
from shared.ai.provider import Turn
from shared.ai.talking import ESTIMATED, ROOM, declined, estimated_tokens, too_long
from shared.progress import Tick

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessageParam


def talk(
    client: OpenAI, model: str, instructions: str, turns: Sequence[Turn], meter: Meter, tick: Tick
) -> Iterator[str]:
    """The answer to the last turn, in pieces.

    Raises what `shared.ai.openai.calls.told` does, in the middle of the answer too, and PermanentError
    `answer_too_long`.
    """
    meter.allow()
    tick(0, "Sending the request to the AI")
    with told():
        stream = client.chat.completions.create(
            model=model,
            messages=messages(instructions, turns),
            max_completion_tokens=ROOM,
            stream=True,
            stream_options={"include_usage": True},
        )
    usage: CompletionUsage | None = None
    end: str | None = None
    said: list[str] = []
    try:
        with stream, told():
            for chunk in stream:
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    if choice.delta.refusal:
                        raise declined("it refused")
                    end = choice.finish_reason or end
                    if choice.delta.content:
                        tick(0.5, "Receiving the answer")
                        said.append(choice.delta.content)
                        yield choice.delta.content
    finally:
        bill(meter, model, usage, [instructions, *(turn.content for turn in turns)], said)
    if end == "content_filter":
        raise declined("content filter")
    if end == "length":
        raise too_long()
    if end is None or not said:
        raise unavailable()


def messages(instructions: str, turns: Sequence[Turn]) -> list[ChatCompletionMessageParam]:
    conversation: list[ChatCompletionMessageParam] = [{"role": "system", "content": instructions}]
    for turn in turns:
        if turn.role == "user":
            conversation.append({"role": "user", "content": turn.content})
        else:
            conversation.append({"role": "assistant", "content": turn.content})
    return conversation


def bill(meter: Meter, model: str, usage: CompletionUsage | None, asked: Sequence[str], said: Sequence[str]) -> None:
    """Count the call; one that broke off, by our fault or the service's, tells no tokens but is billed for all that."""
    if usage:
        meter.count("openai", model, usage.prompt_tokens, usage.completion_tokens)
    else:
        meter.note(ESTIMATED)
        meter.count("openai", model, estimated_tokens(*asked), estimated_tokens(*said))
