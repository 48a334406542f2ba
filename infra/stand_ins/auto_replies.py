"""Stand-ins for OpenAI and Gemini that answer every valid request, with made-up results if no reply is queued."""

from __future__ import annotations

from typing import Any

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_requests import bytes_of, parts_of, to_camel_case
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import EMBEDDINGS, TRANSCRIPTIONS, OpenAIServer, whisper_segment, whisper_word
from infra.stand_ins.server import AutoReplyServer, MultipartForm, RecordedRequest, Reply, parse_multipart
from infra.stand_ins.synthesis import (
    SPEECH_LANGUAGE,
    flac_duration,
    make_chat_reply,
    make_speech_segments,
    make_structured_output,
    word_hash_embedding,
)


class AutoReplyOpenAI(AutoReplyServer, OpenAIServer):
    """OpenAI's API with made-up results."""

    def make_reply(self, request: RecordedRequest) -> Reply:
        if request.path == TRANSCRIPTIONS:
            return openai_transcription(parse_multipart(request))
        if request.path == EMBEDDINGS:
            return openai_server.embedding_reply(request.json, word_hash_embedding)
        return openai_server.as_requested(openai_chat_reply(request.json), request)


def openai_transcription(form: MultipartForm) -> Reply:
    """Transcribe the form's file; the reply contains segments and words if `verbose_json` is requested."""
    audio = form.files["file"][0].data
    try:
        segments = make_speech_segments(audio)
    except ValueError:
        return openai_server.error_reply(400, "invalid_request_error", "invalid_value")
    duration_sec = flac_duration(audio)
    if form.texts["response_format"] != ["verbose_json"]:
        text = " ".join(segment.text for segment in segments)
        return openai_server.text_transcription_reply(text, SPEECH_LANGUAGE, duration_sec)
    return openai_server.transcription_reply(
        *(whisper_segment(segment.start, segment.end, f" {segment.text}") for segment in segments),
        words=[whisper_word(word.start, word.end, word.text) for segment in segments for word in segment.words],
        duration=duration_sec,
    )


def openai_chat_reply(body: dict[str, Any]) -> Reply:
    messages = body["messages"]
    instructions = openai_message_text(messages[0])
    if "json_schema" in body.get("response_format", {}):
        schema = body["response_format"]["json_schema"]["schema"]
        return openai_server.json_reply(make_structured_output(schema, instructions))
    pieces = make_chat_reply(instructions, openai_message_text(messages[-1]))
    return openai_server.stream_reply(*pieces) if body.get("stream") else openai_server.completion("".join(pieces))


def openai_message_text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class AutoReplyGemini(AutoReplyServer, GeminiServer):
    """The Gemini API with made-up results."""

    def make_reply(self, request: RecordedRequest) -> Reply:
        body = to_camel_case(request.json)
        if "mbedContent" in request.path:
            return gemini_server.embedding_reply(body, with_usage=self.vertex, vector=word_hash_embedding)
        audio = self._audio(body)
        return gemini_chat_reply(body, request.path) if audio is None else gemini_transcription(audio)

    def _audio(self, body: dict[str, Any]) -> bytes | None:
        """Return the request's audio, inline or uploaded; None if it has none."""
        for part in parts_of(body):
            blob = part.get("inlineData") or part.get("fileData") or {}
            if blob.get("mimeType", "").startswith("audio/"):
                uploaded = {self._uri(file): file.data for file in self.files.values()}
                return uploaded[blob["fileUri"]] if "fileUri" in blob else bytes_of(blob)
        return None


def gemini_transcription(audio: bytes) -> Reply:
    try:
        segments = make_speech_segments(audio)
    except ValueError:
        return gemini_server.error_reply(400, "INVALID_ARGUMENT")
    lines = [(to_timestamp(segment.start), to_timestamp(segment.end), segment.text) for segment in segments]
    return gemini_server.transcription_reply(*lines, language=SPEECH_LANGUAGE if lines else None)


def gemini_chat_reply(body: dict[str, Any], path: str) -> Reply:
    instructions = "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", []))
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    if schema:
        return gemini_server.json_reply(make_structured_output(schema, instructions))
    question = "".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    pieces = make_chat_reply(instructions, question)
    if "streamGenerateContent" in path:
        return gemini_server.stream_reply(*pieces)
    return gemini_server.generation_reply("".join(pieces), modality="TEXT")


def to_timestamp(seconds: float) -> str:
    """Format seconds as the transcription prompt requires, e.g. `01:02.500`."""
    return f"{int(seconds // 60):02}:{seconds % 60:06.3f}"
