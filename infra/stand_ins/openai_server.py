"""A stand-in for OpenAI's API by its published reference, for use with the real SDK.

Serves chat completions, also as streams, transcriptions and embeddings.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from infra.stand_ins.openai_requests import chat_problems, embedding_problems, transcription_problems
from infra.stand_ins.server import SSE, RecordedRequest, Reply, StandInServer

KEY = "sk-test-0123456789"
CHAT, TRANSCRIPTIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/audio/transcriptions", "/v1/embeddings"
CHECKS: dict[str, Callable[[RecordedRequest], list[str]]] = {
    CHAT: lambda request: chat_problems(request.json),
    TRANSCRIPTIONS: transcription_problems,
    EMBEDDINGS: lambda request: embedding_problems(request.json),
}


class OpenAIServer(StandInServer):
    """Replies to chat and transcription requests from the queue, and to embedding requests with `hash_embedding`."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def reply_to(self, request: RecordedRequest) -> Reply:
        if request.method != "POST" or request.path not in CHECKS:
            self.problems.append(f"{request.method} {request.path} is not served")
            return error_reply(404, "invalid_request_error", "unknown_url")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return error_reply(401, "invalid_request_error", "invalid_api_key")
        problems = CHECKS[request.path](request)
        if problems:
            self.problems += problems
            return error_reply(400, "invalid_request_error", "invalid_value")
        reply = self.next_reply()
        if reply is None and request.path == EMBEDDINGS:
            return embedding_reply(request.json)
        if reply is None:
            self.problems.append("a request without a queued reply")
            return error_reply(400, "invalid_request_error", "unexpected")
        return as_requested(reply, request)


def as_requested(reply: Reply, request: RecordedRequest) -> Reply:
    """Return a completion as a stream if the request is for one, in one piece."""
    is_completion = isinstance(reply.value, dict) and reply.value.get("object") == "chat.completion"
    if request.path != CHAT or not is_completion or not request.json.get("stream"):
        return reply
    value = reply.value
    chunks = [
        stream_chunk({"index": 0, "delta": choice["message"], "finish_reason": choice["finish_reason"]})
        for choice in value["choices"]
    ]
    events = [json.dumps(chunk) for chunk in [*chunks, stream_chunk(usage=value["usage"])]]
    body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
    return replace(reply, value=body, headers=SSE)


def completion(
    content: str | None, finish_reason: str = "stop", refusal: str | None = None, tokens: tuple[int, int] = (1000, 200)
) -> Reply:
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": refusal, "annotations": []}
    return Reply(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "gpt-5.4-mini-2026-03-17",
            "service_tier": "default",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
            "usage": token_usage(tokens),
        }
    )


def token_usage(tokens: tuple[int, int]) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "total_tokens": sum(tokens),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def json_reply(value: Any) -> Reply:
    return completion(json.dumps(value))


def refusal_reply() -> Reply:
    return completion(None, refusal="I'm sorry, I can't help with that.")


def content_filter_reply() -> Reply:
    return completion("", "content_filter")


def token_limit_reply(value: Any) -> Reply:
    text = json.dumps(value)
    return completion(text[: len(text) // 2], "length")


def error_reply(status: int, type: str = "server_error", code: str | None = None, **headers: str) -> Reply:
    error = {"message": "It failed.", "type": type, "param": None, "code": code}
    return Reply({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def rate_limit_reply(retry_after: str = "0.01") -> Reply:
    return error_reply(429, "requests", "rate_limit_exceeded", retry_after=retry_after)


def disconnect_reply(value: Any) -> Reply:
    return Reply(json_reply(value).value, cut=True)


def stream_reply(
    *pieces: str,
    finish_reason: str | None = "stop",
    refusal: str | None = None,
    tokens: tuple[int, int] | None = (1000, 200),
    error: dict[str, Any] | None = None,
) -> Reply:
    """Return a completion as a stream; it breaks off with `error`, or without a `finish_reason`."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": piece} for piece in pieces]
    deltas += [{"refusal": refusal}] if refusal else []
    events = [stream_chunk({"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}) for delta in deltas]
    if error:
        events.append({"error": error})
    elif finish_reason:
        events.append(stream_chunk({"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish_reason}))
        events += [stream_chunk(usage=token_usage(tokens))] if tokens else []
    lines = [json.dumps(event) for event in events] + (["[DONE]"] if finish_reason and not error else [])
    return Reply("".join(f"data: {line}\n\n" for line in lines).encode(), headers=SSE)


def stream_chunk(*choices: dict[str, Any], usage: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-5.4-mini-2026-03-17",
        "service_tier": "default",
        "choices": [*choices],
        "usage": usage,
    }


def whisper_segment(start: float, end: float, text: str, **measures: float) -> dict[str, Any]:
    """Return a segment in Whisper's form; the default measures are those of a confident one."""
    confident = {"temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.4, "no_speech_prob": 0.01}
    return (
        {"id": 0, "seek": 0, "start": start, "end": end, "text": text, "tokens": [50364, 1029]} | confident | measures
    )


def whisper_word(start: float, end: float, text: str) -> dict[str, Any]:
    return {"word": text, "start": start, "end": end}


def transcription_reply(
    *segments: dict[str, Any], words: Sequence[dict[str, Any]] = (), language: str = "english", duration: float = 10.0
) -> Reply:
    """Return a transcription in `verbose_json`, as whisper-1 does."""
    return Reply(
        {
            "task": "transcribe",
            "language": language,
            "duration": duration,
            "text": "".join(segment["text"] for segment in segments).strip(),
            "segments": [segment | {"id": number} for number, segment in enumerate(segments)],
            "words": list(words),
            "usage": {"type": "duration", "seconds": round(duration)},
        }
    )


def text_transcription_reply(text: str, language: str | None = None, seconds: float | None = None) -> Reply:
    """Return a transcription in `json`, billed by seconds, as gpt-transcribe, or by tokens, as gpt-4o-transcribe."""
    usage: dict[str, Any] = {"type": "duration", "seconds": seconds}
    if seconds is None:
        details = {"text_tokens": 10, "audio_tokens": 100}
        usage = {"type": "tokens", "input_tokens": 110, "input_token_details": details, "output_tokens": 50}
        usage["total_tokens"] = 160
    return Reply({"text": text, "usage": usage} | ({"languages": [{"code": language}]} if language else {}))


def diarization_reply(*segments: tuple[float, float, str, str]) -> Reply:
    """Return a transcription in `diarized_json`: start, end, speaker and text of each segment."""
    segment_list = [
        {"type": "transcript.text.segment", "id": f"seg_{number}", "start": start, "end": end, "speaker": speaker}
        | {"text": text}
        for number, (start, end, speaker, text) in enumerate(segments)
    ]
    usage = {"type": "duration", "seconds": 10}
    text = " ".join(segment[3] for segment in segments)
    return Reply({"task": "transcribe", "duration": 10.0, "text": text, "segments": segment_list, "usage": usage})


def hash_embedding(text: str, dimensions: int) -> list[float]:
    """Return the same numbers for the same text. The vector's length is not 1, since callers must not rely on that."""
    return [byte / 128 - 1 for byte in hashlib.shake_128(text.encode()).digest(dimensions)]


def embedding_reply(body: Any, vector: Callable[[str, int], Sequence[float]] = hash_embedding) -> Reply:
    """Return vectors for the texts of a request, in the requested encoding."""
    data = []
    for number, text in enumerate(body["input"]):
        numbers = vector(text, body.get("dimensions", 1536))
        packed = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        value = packed if body.get("encoding_format") == "base64" else [*numbers]
        data.append({"object": "embedding", "index": number, "embedding": value})
    tokens = sum(-(-len(text.encode()) // 4) for text in body["input"])
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Reply({"object": "list", "data": data, "model": body["model"], "usage": usage})


SILENT = Reply(silent=True)
