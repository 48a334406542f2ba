"""Conversation through Gemini, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from shared.ai.gemini.answers import CUT_SHORT, bill, blocked, finish_reason, text_of
from shared.ai.gemini.calls import patiently, told, unavailable
from shared.ai.meter import Meter
from shared.ai.provider import Turn
from shared.ai.talking import ESTIMATED, ROOM, declined, estimated_tokens, too_long
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import GenerateContentResponse, GenerateContentResponseUsageMetadata


def talk(
    client: Client, model: str, instructions: str, turns: Sequence[Turn], meter: Meter, tick: Tick
) -> Iterator[str]:
    """The answer to the last turn, in pieces.

    Raises what `patiently` does, in the middle of the answer too (where nothing is tried again), and PermanentError
    `refused`, `answer_too_long`.
    """
    meter.allow()
    tick(0, "Sending the request to the AI")
    first, rest = patiently(lambda: begun(client, model, instructions, turns), tick)
    usage: GenerateContentResponseUsageMetadata | None = None
    end: str | None = None
    said: list[str] = []
    try:
        with told():
            for response in chain(first, rest):
                # Each one tells the sum so far.
                usage = response.usage_metadata or usage
                reason = blocked(response)
                if reason:
                    raise declined(reason)
                end = finish_reason(response) or end
                text = text_of(response)
                if text:
                    tick(0.5, "Receiving the answer")
                    said.append(text)
                    yield text
    finally:
        if usage:
            bill(meter, model, usage)
        else:
            meter.note(ESTIMATED)
            asked = estimated_tokens(instructions, *(turn.content for turn in turns))
            meter.count("gemini", model, asked, estimated_tokens(*said))
    if end in CUT_SHORT:
        raise too_long()
    if end != "STOP" or not said:
        raise unavailable()


def begun(
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
            max_output_tokens=ROOM,
            # The SDK would ask for more without end.
            automatic_continuation=False,
        ),
    )
    return list(islice(responses, 1)), responses
