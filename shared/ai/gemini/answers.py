"""Answers of Gemini's models in a given form: what becomes of them before anything is parsed, and what they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from shared.ai.asking import ModelAnswer, RepairRequest, analysis_refused_error
from shared.ai.gemini.calls import unavailable_error, with_retries
from shared.ai.meter import Meter
from shared.ai.schema import answer_schema
from shared.progress import Tick

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentResponse, GenerateContentResponseUsageMetadata, Part

REFUSALS = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR")
)
TRUNCATED = ("MAX_TOKENS", "CONTINUATION")


def conversation(parts: Sequence[Part], text: str, repair: RepairRequest | None) -> list[Content]:
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
    meter: Meter,
    tick: Tick,
    audio_sec: float = 0,
) -> ModelAnswer:
    """One answer of at most `room` tokens; raises what `patiently` and `answer_of` do."""
    from google.genai.types import GenerateContentConfig

    response = with_retries(
        lambda: client.models.generate_content(
            model=model,
            contents=[*contents],
            config=GenerateContentConfig(
                system_instruction=rules,
                response_mime_type="application/json",
                response_json_schema=answer_schema(answer_type),
                max_output_tokens=max_tokens,
                # The SDK would ask for more without end.
                automatic_continuation=False,
            ),
        ),
        tick,
    )
    if response.usage_metadata:
        count_usage(meter, model, response.usage_metadata, audio_sec)
    return read_answer(response)


def count_usage(meter: Meter, model: str, usage: GenerateContentResponseUsageMetadata, audio_sec: float = 0) -> None:
    audio_tokens = [
        detail.token_count or 0 for detail in usage.prompt_tokens_details or [] if detail.modality == "AUDIO"
    ]
    meter.count(
        "gemini",
        model,
        usage.prompt_token_count or 0,
        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        audio_tokens=sum(audio_tokens),
        audio_sec=audio_sec,
    )


def read_answer(response: GenerateContentResponse) -> ModelAnswer:
    """Looks at block and finish reason before anything is parsed; raises PermanentError `refused`, TransientError."""
    reason = block_reason(response)
    if reason:
        raise analysis_refused_error(reason)
    end = finish_reason(response) or "STOP"
    if not response.candidates or end not in ("STOP", *TRUNCATED):
        raise unavailable_error()
    return ModelAnswer(text_of(response), truncated=end in TRUNCATED)


def block_reason(response: GenerateContentResponse) -> str | None:
    """The service's word for why it withholds the answer, or the rest of it; None when it does not."""
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
