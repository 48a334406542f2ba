"""Conversation through Gemini, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from shared.ai.gemini.answers import TRUNCATED, block_reason, count_usage, finish_reason, text_of
from shared.ai.gemini.calls import translate_errors, unavailable_error, with_retries
from shared.ai.meter import Meter
from shared.ai.provider import Turn
from shared.ai.talking import ESTIMATE_NOTE, MAX_CHAT_TOKENS, chat_refused_error, chat_too_long_error, estimate_tokens
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse, GenerateContentResponseUsageMetadata


def stream_chat(
    client: Client, model: str, instructions: str, turns: Sequence[Turn], meter: Meter, tick: Tick
) -> Iterator[str]:
    """The answer to the last turn, in pieces.

    Raises what `patiently` does, in the middle of the answer too (where nothing is tried again), and PermanentError
    `refused`, `answer_too_long`.
    """
    meter.allow()
    tick(0, "Sending the request to the AI")
    first, remaining = with_retries(lambda: start_stream(client, model, instructions, turns), tick)
    usage: GenerateContentResponseUsageMetadata | None = None
    end: str | None = None
    pieces: list[str] = []
    try:
        with translate_errors():
            for response in chain(first, remaining):
                # Each one tells the sum so far.
                usage = response.usage_metadata or usage
                reason = block_reason(response)
                if reason:
                    raise chat_refused_error(reason)
                end = finish_reason(response) or end
                text = text_of(response)
                if text:
                    tick(0.5, "Receiving the answer")
                    pieces.append(text)
                    yield text
    finally:
        if usage:
            count_usage(meter, model, usage)
        else:
            meter.note(ESTIMATE_NOTE)
            tokens_in = estimate_tokens(instructions, *(turn.content for turn in turns))
            meter.count("gemini", model, tokens_in, estimate_tokens(*pieces))
    if end in TRUNCATED:
        raise chat_too_long_error()
    if end != "STOP" or not pieces:
        raise unavailable_error()


def start_stream(
    client: Client, model: str, instructions: str, turns: Sequence[Turn]
) -> tuple[list[GenerateContentResponse], Iterator[GenerateContentResponse]]:
    """The first part of the answer, if there is any, and the others; the request is made for the first."""
    from google.genai.types import Content, GenerateContentConfig, Part

    responses = client.models.generate_content_stream(
        model=model,
        contents=[
            Content(role="user" if turn.role == "user" else "model", parts=[Part.from_text(text=turn.content)])
            for turn in turns
        ],
        config=GenerateContentConfig(
            system_instruction=instructions,
            max_output_tokens=MAX_CHAT_TOKENS,
            # The SDK would ask for more without end.
            automatic_continuation=False,
        ),
    )
    return list(islice(responses, 1)), responses
