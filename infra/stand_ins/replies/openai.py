"""OpenAI as it answers anything."""

from __future__ import annotations

from typing import Any

from infra.stand_ins.openai_server import (
    EMBEDDINGS,
    TRANSCRIPTIONS,
    OpenAIServer,
    completion,
    embedding_reply,
    error_reply,
    json_reply,
    stream_reply,
    text_transcription_reply,
    transcription_reply,
    whisper_segment,
    whisper_word,
)
from infra.stand_ins.replies.synthesis import (
    SPEECH_LANGUAGE,
    flac_duration,
    make_chat_reply,
    make_speech_segments,
    make_structured_output,
    word_hash_embedding,
)
from infra.stand_ins.server import AutoReplyServer, MultipartForm, RecordedRequest, Reply, parse_multipart


class AutoReplyOpenAI(AutoReplyServer, OpenAIServer):
    """Answers every right request that no answer is prepared for."""

    def make_reply(self, request: RecordedRequest) -> Reply:
        if request.path == TRANSCRIPTIONS:
            return transcribe_form(parse_multipart(request))
        return (
            embedding_reply(request.json, word_hash_embedding)
            if request.path == EMBEDDINGS
            else chat_reply(request.json)
        )


def transcribe_form(form: MultipartForm) -> Reply:
    """With the times of all words where they are asked for."""
    audio = form.files["file"][0].data
    try:
        segments = make_speech_segments(audio)
    except ValueError:
        return error_reply(400, "invalid_request_error", "invalid_value")
    if form.texts["response_format"] != ["verbose_json"]:
        return text_transcription_reply(
            " ".join(segment.text for segment in segments), SPEECH_LANGUAGE, flac_duration(audio)
        )
    return transcription_reply(
        *(whisper_segment(segment.start, segment.end, f" {segment.text}") for segment in segments),
        words=[
            whisper_word(spoken_word.start, spoken_word.end, spoken_word.text)
            for segment in segments
            for spoken_word in segment.words
        ],
        duration=flac_duration(audio),
    )


def chat_reply(body: dict[str, Any]) -> Reply:
    messages = body["messages"]
    rules = message_text(messages[0])
    if "json_schema" in body.get("response_format", {}):
        return json_reply(make_structured_output(body["response_format"]["json_schema"]["schema"], rules))
    pieces = make_chat_reply(rules, message_text(messages[-1]))
    return stream_reply(*pieces) if body.get("stream") else completion("".join(pieces))


def message_text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
