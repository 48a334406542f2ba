"""Gemini as it answers anything."""

from __future__ import annotations

from typing import Any

from infra.stand_ins.gemini_requests import bytes_of, parts_of, to_camel_case
from infra.stand_ins.gemini_server import (
    GeminiServer,
    embedding_reply,
    error_reply,
    generation_reply,
    json_reply,
    stream_reply,
    transcription_reply,
)
from infra.stand_ins.replies.synthesis import (
    SPEECH_LANGUAGE,
    make_chat_reply,
    make_speech_segments,
    make_structured_output,
    word_hash_embedding,
)
from infra.stand_ins.server import AutoReplyServer, RecordedRequest, Reply


class AutoReplyGemini(AutoReplyServer, GeminiServer):
    """Answers every right request that no answer is prepared for."""

    def make_reply(self, request: RecordedRequest) -> Reply:
        body = to_camel_case(request.json)
        if "mbedContent" in request.path:
            return embedding_reply(body, with_usage=self.vertex, vector=word_hash_embedding)
        audio = self._audio(body)
        if audio is not None:
            return transcribe_audio(audio)
        return chat_reply(body, request.path)

    def _audio(self, body: dict[str, Any]) -> bytes | None:
        """The sound that the request is about, if it is about one."""
        for part in parts_of(body):
            blob = part.get("inlineData") or part.get("fileData") or {}
            if blob.get("mimeType", "").startswith("audio/"):
                uploaded = {self._uri(file): file.data for file in self.files.values()}
                return uploaded[blob["fileUri"]] if "fileUri" in blob else bytes_of(blob)
        return None


def transcribe_audio(audio: bytes) -> Reply:
    try:
        segments = make_speech_segments(audio)
    except ValueError:
        return error_reply(400, "INVALID_ARGUMENT")
    lines = [(to_timestamp(segment.start), to_timestamp(segment.end), segment.text) for segment in segments]
    return transcription_reply(*lines, language=SPEECH_LANGUAGE if lines else None)


def chat_reply(body: dict[str, Any], path: str) -> Reply:
    rules = "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", []))
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    if schema:
        return json_reply(make_structured_output(schema, rules))
    question = "".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    pieces = make_chat_reply(rules, question)
    return (
        stream_reply(*pieces) if "streamGenerateContent" in path else generation_reply("".join(pieces), modality="TEXT")
    )


def to_timestamp(seconds: float) -> str:
    """As the rules ask for it: `01:02.500`."""
    return f"{int(seconds // 60):02}:{seconds % 60:06.3f}"
