"""Answers of Gemini's models, as structured output and as a chat stream, with their usage and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.ai.gemini.client import translate_errors, unavailable_error, with_retries
from shared.ai.provider import (
    ESTIMATE_NOTE,
    MAX_CHAT_TOKENS,
    Turn,
    chat_refused_error,
    chat_too_long_error,
    estimate_tokens,
)
from shared.ai.structured_output import ModelAnswer, RepairRequest, analysis_refused_error, answer_schema
from shared.ai.usage import ServiceMeter
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentResponse, GenerateContentResponseUsageMetadata, Part

REFUSALS = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR")
)
TRUNCATED = ("MAX_TOKENS", "CONTINUATION")


def conversation(parts: Sequence[Part], text: str, repair: RepairRequest | None) -> list[Content]:
    """Return the user's message, followed by the invalid answer and the request to repair it, if any."""
    from google.genai.types import Content, Part

    contents = [Content(role="user", parts=[*parts, Part.from_text(text=text)])]
    if repair:
        contents.append(Content(role="model", parts=[Part.from_text(text=repair.answer)]))
        contents.append(Content(role="user", parts=[Part.from_text(text=repair.prompt)]))
    return contents


def generate_answer(
    client: Client,
    model: str,
    rules: str,
    contents: Sequence[Content],
    answer_type: type[BaseModel],
    max_tokens: int,
    meter: ServiceMeter,
    tick: Tick,
    audio_sec: float = 0,
    low_resolution: bool = False,
) -> ModelAnswer:
    """Return an answer of at most `max_tokens`; raises as `with_retries` and `read_answer`."""
    from google.genai.types import GenerateContentConfig, MediaResolution

    try:
        response = with_retries(
            lambda: client.models.generate_content(
                model=model,
                contents=[*contents],
                config=GenerateContentConfig(
                    system_instruction=rules,
                    response_mime_type="application/json",
                    response_json_schema=answer_schema(answer_type),
                    max_output_tokens=max_tokens,
                    media_resolution=MediaResolution.MEDIA_RESOLUTION_LOW if low_resolution else None,
                    # The SDK would request continuations without limit.
                    automatic_continuation=False,
                ),
            ),
            tick,
        )
    except RecursionError:
        # The SDK parses the answer too, and fails if the JSON is nested too deeply; its usage is lost.
        return ModelAnswer("")
    if response.usage_metadata:
        count_usage(meter, model, response.usage_metadata, audio_sec)
    return read_answer(response)


def count_usage(
    meter: ServiceMeter, model: str, usage: GenerateContentResponseUsageMetadata, audio_sec: float = 0
) -> None:
    audio_tokens = [
        detail.token_count or 0 for detail in usage.prompt_tokens_details or [] if detail.modality == "AUDIO"
    ]
    meter.count(
        model,
        usage.prompt_token_count or 0,
        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        audio_tokens=sum(audio_tokens),
        audio_sec=audio_sec,
    )


def read_answer(response: GenerateContentResponse) -> ModelAnswer:
    """Return the answer; raises PermanentError `refused`, TransientError `provider_unavailable` if there is none."""
    reason = block_reason(response)
    if reason:
        raise analysis_refused_error(reason)
    end = finish_reason(response) or "STOP"
    if not response.candidates or end not in ("STOP", *TRUNCATED):
        raise unavailable_error()
    return ModelAnswer(text_of(response), truncated=end in TRUNCATED)


def block_reason(response: GenerateContentResponse) -> str | None:
    """Return the service's reason for withholding the answer or the rest of it; None if it does not."""
    if response.prompt_feedback and response.prompt_feedback.block_reason:
        return _readable_reason(response.prompt_feedback.block_reason.value)
    end = finish_reason(response)
    return _readable_reason(end) if end in REFUSALS else None


def finish_reason(response: GenerateContentResponse) -> str | None:
    reason = response.candidates[0].finish_reason if response.candidates else None
    return reason.value if reason else None


def text_of(response: GenerateContentResponse) -> str:
    content = response.candidates[0].content if response.candidates else None
    parts = (content.parts if content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _readable_reason(reason: str | None) -> str:
    return (reason or "").lower().replace("_", " ")


def stream_chat(
    client: Client, model: str, instructions: str, turns: Sequence[Turn], meter: ServiceMeter, tick: Tick
) -> Iterator[str]:
    """Yield the answer to the last turn in pieces.

    Raises as `with_retries`, in the middle of the answer too (where nothing is tried again), and PermanentError
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
                # Each response reports the total so far.
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
            meter.count(model, tokens_in, estimate_tokens(*pieces))
    if end in TRUNCATED:
        raise chat_too_long_error()
    if end != "STOP" or not pieces:
        raise unavailable_error()


def start_stream(
    client: Client, model: str, instructions: str, turns: Sequence[Turn]
) -> tuple[list[GenerateContentResponse], Iterator[GenerateContentResponse]]:
    """Send the request; return the first response, if there is any, and the rest."""
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
            # The SDK would request continuations without limit.
            automatic_continuation=False,
        ),
    )
    return list(islice(responses, 1)), responses
