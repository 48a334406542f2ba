"""OpenAI as it answers anything."""

from __future__ import annotations

from typing import Any

from infra.stand_ins.form_data import Form, form_of
from infra.stand_ins.openai_server import (
    EMBEDDINGS,
    TRANSCRIPTIONS,
    OpenAIServer,
    answers,
    completion,
    embedded,
    failed,
    spoken,
    streamed,
    transcribed,
    transcribed_text,
    word,
)
from infra.stand_ins.replies.answers import spoken_answer, structured_answer
from infra.stand_ins.replies.speech import LANGUAGE, flac_seconds, heard
from infra.stand_ins.replies.vectors import vector
from infra.stand_ins.replies.willing import Willing
from infra.stand_ins.server import Asked, Reply


class MadeUpOpenAI(Willing, OpenAIServer):
    """Answers every right request that no answer is prepared for."""

    def made_up(self, asked: Asked) -> Reply:
        if asked.path == TRANSCRIPTIONS:
            return listened(form_of(asked))
        return embedded(asked.json, vector) if asked.path == EMBEDDINGS else talked(asked.json)


def listened(form: Form) -> Reply:
    """With the times of all words where they are asked for."""
    sound = form.files["file"][0].data
    try:
        segments = heard(sound)
    except ValueError:
        return failed(400, "invalid_request_error", "invalid_value")
    if form.texts["response_format"] != ["verbose_json"]:
        return transcribed_text(" ".join(segment.text for segment in segments), LANGUAGE, flac_seconds(sound))
    return transcribed(
        *(spoken(segment.start, segment.end, f" {segment.text}") for segment in segments),
        words=[word(one.start, one.end, one.text) for segment in segments for one in segment.words],
        duration=flac_seconds(sound),
    )


def talked(body: dict[str, Any]) -> Reply:
    messages = body["messages"]
    rules = text_of(messages[0])
    if "json_schema" in body.get("response_format", {}):
        return answers(structured_answer(body["response_format"]["json_schema"]["schema"], rules))
    pieces = spoken_answer(rules, text_of(messages[-1]))
    return streamed(*pieces) if body.get("stream") else completion("".join(pieces))


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
