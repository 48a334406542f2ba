"""Stand-ins for servers that are compatible with OpenAI, each with what its own source does differently.

Read on 2026-11-30 in the sources of Ollama, vLLM, llama.cpp (also run, build 11549), LocalAI, speaches and whisper.cpp,
and in LM Studio's documentation and reports of its users.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.stand_ins.openai_server import CHAT, EMBEDDINGS, TRANSCRIPTIONS, completion, stream_chunk, token_usage
from infra.stand_ins.server import SSE, RecordedRequest, Reply, StandInServer, parse_multipart
from infra.stand_ins.synthesis import (
    flac_duration,
    make_chat_reply,
    make_speech_segments,
    make_structured_output,
    word_hash_embedding,
)
from shared.models.video import Segment

MODELS = "/v1/models"
MODEL = "installed"
"""The model that every stand-in has."""
WIDTH = 96
"""Length of its vectors."""
Json = dict[str, Any]


def openai_error(status: int, message: str, type: str | None = None, code: Any = None, **more: Any) -> Reply:
    return Reply({"error": {"message": message, "type": type, "code": code, **more}}, status)


def text_error(status: int, message: str) -> Reply:
    """Return an error in the form of LM Studio and whisper.cpp."""
    return Reply({"error": message}, status)


def detail_error(status: int, message: str) -> Reply:
    """Return an error in the form of FastAPI."""
    return Reply({"detail": message}, status)


def plain_error(status: int, message: str) -> Reply:
    return Reply(message.encode(), status, {"content-type": "text/plain"})


@dataclass(frozen=True)
class ServerShape:
    """What a server does differently.

    Attributes:
        routes: The paths that it has.
        unknown_route: Its reply to any other path.
        missing_model: Its reply if it does not have the model; None if it uses the one it has.
        refused_pictures: Its reply of a model that reads only text.
        refused_key: Status for a wrong key.
        token_limits: Fields that limit an answer; it ignores others.
        reports_usage: Whether responses have `usage`.
        dimensions: What it does with `dimensions`: makes vectors of this length, ignores it, or refuses it.
        has_base64: Whether vectors come as requested, or always as numbers.
        lacks: Replies by path, for models of another kind.
        transcript: Makes the body of a transcription in `verbose_json`.
        formats: Formats of transcriptions; another one is refused.
    """

    name: str
    routes: frozenset[str]
    unknown_route: Callable[[RecordedRequest], Reply]
    missing_model: Callable[[str], Reply] | None
    refused_pictures: Reply = field(default_factory=lambda: openai_error(400, "This model has no vision."))
    refused_key: int = 401
    token_limits: frozenset[str] = frozenset(("max_tokens", "max_completion_tokens"))
    reports_usage: bool = True
    dimensions: Literal["makes", "ignores", "refuses"] = "ignores"
    has_base64: bool = True
    lacks: Mapping[str, Reply] = field(default_factory=dict)
    transcript: Callable[[Sequence[Segment], float], Json] = lambda segments, _: {"text": spoken_text(segments)}
    formats: frozenset[str] = frozenset(("json", "text", "verbose_json"))


def spoken_text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def whisper_transcript(segments: Sequence[Segment], duration_sec: float, **changes: Any) -> Json:
    """Return `verbose_json` with segments; `changes` apply to each of them."""
    measures = {"avg_logprob": -0.2, "compression_ratio": 1.4, "no_speech_prob": 0.01, "temperature": 0.0}
    rows = [
        {"id": number, "seek": 0, "start": it.start, "end": it.end, "text": f" {it.text}", "tokens": [1]}
        | measures
        | changes
        for number, it in enumerate(segments)
    ]
    return {"language": "en", "duration": duration_sec, "text": spoken_text(segments), "segments": rows}


def vllm_transcript(segments: Sequence[Segment], duration_sec: float) -> Json:
    """No words, no probability of silence, and the duration as text."""
    body = whisper_transcript(segments, duration_sec, no_speech_prob=None)
    return body | {"duration": str(duration_sec), "words": None}


def speaches_transcript(segments: Sequence[Segment], duration_sec: float) -> Json:
    words = [
        {"word": f" {word.text}", "start": word.start, "end": word.end}
        for segment in segments
        for word in segment.words
    ]
    return whisper_transcript(segments, duration_sec) | {"words": words, "usage": None}


def localai_transcript(segments: Sequence[Segment], duration_sec: float) -> Json:
    """Words are `text`, in each segment, and no measures."""
    rows = [
        {
            "id": number,
            "start": segment.start,
            "end": segment.end,
            "text": segment.text,
            "tokens": None,
            "words": [{"start": word.start, "end": word.end, "text": word.text} for word in segment.words],
        }
        for number, segment in enumerate(segments)
    ]
    return {"segments": rows, "text": spoken_text(segments), "language": "en", "duration": duration_sec}


def whisper_cpp_transcript(segments: Sequence[Segment], duration_sec: float) -> Json:
    """Words are tokens, in each segment, and the compression ratio is missing."""
    body = whisper_transcript(segments, duration_sec)
    for row, segment in zip(body["segments"], segments, strict=True):
        del row["compression_ratio"]
        row["words"] = [
            {"word": token, "start": word.start, "end": word.end, "t_dtw": -1, "probability": 0.9}
            for word in segment.words
            for token in (f" {word.text[:2]}", word.text[2:])
            if token
        ]
    return body | {"task": "transcribe", "detected_language": "english"}


CHATTING, ALL = frozenset((CHAT, EMBEDDINGS, MODELS)), frozenset((CHAT, EMBEDDINGS, MODELS, TRANSCRIPTIONS))
SHAPES = {
    shape.name: shape
    for shape in (
        ServerShape(
            "ollama",
            ALL,
            unknown_route=lambda _: plain_error(404, "404 page not found"),
            missing_model=lambda model: openai_error(404, f"model '{model}' not found", "not_found_error", param=None),
            refused_pictures=openai_error(400, "this model does not support images", "invalid_request_error"),
            token_limits=frozenset(("max_tokens",)),
            dimensions="makes",
        ),
        ServerShape(
            "vllm",
            ALL,
            unknown_route=lambda _: detail_error(404, "Not Found"),
            missing_model=lambda model: openai_error(404, f"The model `{model}` does not exist.", "NotFoundError", 404),
            refused_pictures=openai_error(400, "At most 0 image(s) may be provided in one prompt.", code=400),
            dimensions="refuses",
            transcript=vllm_transcript,
        ),
        ServerShape(
            "lmstudio",
            CHATTING,
            unknown_route=lambda asked: text_error(
                200, f"Unexpected endpoint or method. ({asked.method} {asked.path})"
            ),
            missing_model=lambda model: openai_error(
                404, f'Failed to load model "{model}". Error: Model does not exist.', code="model_not_found"
            ),
            refused_pictures=text_error(400, "Model does not support images. Please use a model that does."),
            token_limits=frozenset(("max_tokens",)),
            reports_usage=False,
            has_base64=False,
        ),
        ServerShape(
            "llama.cpp",
            ALL,
            unknown_route=lambda _: openai_error(404, "File Not Found", "not_found_error", 404),
            missing_model=None,
            refused_pictures=openai_error(
                500, "image input is not supported - hint: you may need to provide the mmproj", "server_error", 500
            ),
            lacks={
                TRANSCRIPTIONS: openai_error(
                    501, "The current model does not support audio input.", "not_supported_error", 501
                )
            },
        ),
        ServerShape(
            "localai",
            ALL,
            unknown_route=lambda _: openai_error(404, "Resource not found", code=404),
            missing_model=lambda model: openai_error(
                404, f'model "{model}" not found. To see available models, call GET /v1/models', code="model_not_found"
            ),
            reports_usage=False,
            transcript=localai_transcript,
        ),
        ServerShape(
            "speaches",
            frozenset((TRANSCRIPTIONS, MODELS)),
            unknown_route=lambda _: detail_error(404, "Not Found"),
            missing_model=lambda model: detail_error(
                404, f"Model '{model}' is not installed locally. You can download the model using `POST /v1/models`"
            ),
            refused_key=403,
            transcript=speaches_transcript,
        ),
        ServerShape(
            "whisper.cpp",
            frozenset((TRANSCRIPTIONS,)),
            unknown_route=lambda asked: plain_error(404, f"File Not Found ({asked.path})"),
            missing_model=None,
            transcript=whisper_cpp_transcript,
        ),
    )
}


class CompatibleServer(StandInServer):
    """A server of one shape.

    Attributes:
        key: The key that it requires; "" for none.
        reads_pictures: Whether its model does.
        base_url: Names the host as localhost, so that it differs from stand-ins of the services themselves.
    """

    def __init__(self, shape: ServerShape, key: str = "", reads_pictures: bool = True) -> None:
        super().__init__()
        self.shape, self.key, self.reads_pictures = shape, key, reads_pictures
        self.base_url = f"{self.url.replace('127.0.0.1', 'localhost')}/v1"

    def reply_to(self, request: RecordedRequest) -> Reply:
        if reply := self.next_reply():
            return reply
        if request.path not in self.shape.routes:
            return self.shape.unknown_route(request)
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return openai_error(self.shape.refused_key, "Invalid API key.")
        if reply := self.shape.lacks.get(request.path):
            return reply
        if request.path == MODELS:
            return Reply({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "library"}]})
        if request.path == TRANSCRIPTIONS:
            return self._transcription(request)
        body = request.json
        if reply := self._model_reply(body.get("model")):
            return reply
        return self._embeddings(body) if request.path == EMBEDDINGS else self._chat(body)

    def _model_reply(self, model: str | None) -> Reply | None:
        return self.shape.missing_model(str(model)) if self.shape.missing_model and model != MODEL else None

    def _chat(self, body: Json) -> Reply:
        if not self.shape.token_limits & body.keys():
            self.problems.append(f"{self.shape.name}: the answer has no limit")
        parts = [part for message in body["messages"] for part in parts_of(message)]
        if not self.reads_pictures and any(part["type"] == "image_url" for part in parts):
            return self.shape.refused_pictures
        instructions, question = (text_of(body["messages"][at]) for at in (0, -1))
        if "response_format" in body:
            schema = body["response_format"]["json_schema"]["schema"]
            pieces = [json.dumps(make_structured_output(schema, instructions))]
        else:
            pieces = make_chat_reply(instructions, question)
        if not body.get("stream"):
            reply = completion("".join(pieces))
            return reply if self.shape.reports_usage else Reply(reply.value | {"usage": None})
        choices: list[Json] = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        chunks = [{**stream_chunk(choice), "model": MODEL} for choice in choices]
        if self.shape.reports_usage and body.get("stream_options", {}).get("include_usage"):
            chunks.append(stream_chunk(usage=token_usage((100, 20))))
        lines = [*map(json.dumps, chunks), "[DONE]"]
        return Reply("".join(f"data: {line}\n\n" for line in lines).encode(), headers=SSE)

    def _embeddings(self, body: Json) -> Reply:
        width = WIDTH
        if "dimensions" in body and self.shape.dimensions == "refuses":
            message = f'Model "{body["model"]}" does not support matryoshka representation, changing output dimensions'
            return openai_error(400, message, "BadRequestError", 400)
        if "dimensions" in body and self.shape.dimensions == "makes":
            width = body["dimensions"]
        data = []
        for number, text in enumerate(body["input"]):
            vector: Any = word_hash_embedding(text, width)
            if self.shape.has_base64 and body.get("encoding_format") == "base64":
                vector = base64.b64encode(struct.pack(f"<{width}f", *vector)).decode()
            data.append({"object": "embedding", "index": number, "embedding": vector})
        reply: Json = {"object": "list", "data": data, "model": body["model"]}
        if self.shape.reports_usage:
            reply["usage"] = {"prompt_tokens": 5, "total_tokens": 5}
        return Reply(reply)

    def _transcription(self, request: RecordedRequest) -> Reply:
        form = parse_multipart(request)
        if reply := self._model_reply(form.texts.get("model", [None])[0]):
            return reply
        format = form.texts.get("response_format", ["json"])[0]
        if format not in self.shape.formats:
            return openai_error(400, f"Unknown response_format {format}", "invalid_request_error")
        audio = form.files["file"][0].data
        segments = make_speech_segments(audio)
        body = self.shape.transcript(segments, flac_duration(audio))
        return Reply(body if format == "verbose_json" else {"text": body["text"]})


def parts_of(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def text_of(message: Json) -> str:
    return "\n".join(part["text"] for part in parts_of(message) if part["type"] == "text")
