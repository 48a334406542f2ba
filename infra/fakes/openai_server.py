"""OpenAI's chat completions as its published reference describes them, for the real SDK to talk to."""

from __future__ import annotations

import base64
import json
from typing import Any

from infra.fakes.answer_schemas import strict_problems
from infra.fakes.server import Asked, FakeService, Reply

KEY = "sk-test-0123456789"
KNOWN = {
    "model", "messages", "response_format", "max_completion_tokens", "temperature", "seed", "store", "metadata", "n",
    "reasoning_effort", "service_tier", "stop", "stream", "top_p", "user", "verbosity",
}  # fmt: skip
ROLES = ("system", "developer", "user", "assistant")


class OpenAIServer(FakeService):
    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def reply_to(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
            self.problems.append(f"{asked.method} {asked.path} is not served")
            return failed(404, "invalid_request_error", "unknown_url")
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return failed(401, "invalid_request_error", "invalid_api_key")
        problems = request_problems(asked.json)
        if problems:
            self.problems += problems
            return failed(400, "invalid_request_error", "invalid_value")
        reply = self.next_reply()
        if reply is None:
            self.problems.append("one request more than answers were prepared for")
            return failed(400, "invalid_request_error", "unexpected")
        return reply


def request_problems(body: Any) -> list[str]:
    problems = [f"unknown parameter {name}" for name in body.keys() - KNOWN]
    if not isinstance(body.get("model"), str) or not body["model"]:
        problems.append("model is missing")
    if not isinstance(body.get("max_completion_tokens", 1), int):
        problems.append("max_completion_tokens is no integer")
    if not body.get("messages"):
        problems.append("messages are missing")
    for message in body.get("messages", []):
        problems += message_problems(message)
    shape = body.get("response_format", {"type": "text"})
    if shape.get("type") not in ("text", "json_object", "json_schema"):
        problems.append(f"response_format {shape.get('type')} is unknown")
    if shape.get("type") == "json_schema":
        asked = shape["json_schema"]
        if asked.keys() - {"name", "strict", "schema", "description"} or not asked.get("name"):
            problems.append("json_schema has unknown keys or no name")
        if asked.get("strict"):
            problems += strict_problems(asked.get("schema"))
    return problems


def message_problems(message: Any) -> list[str]:
    if message.get("role") not in ROLES:
        return [f"role {message.get('role')} is unknown"]
    content = message.get("content")
    if isinstance(content, str):
        return [] if content or message["role"] == "assistant" else ["content is empty"]
    problems = []
    for part in content or []:
        if part.get("type") == "text" and message["role"] != "assistant":
            problems += [] if isinstance(part.get("text"), str) and part["text"] else ["a text part has no text"]
        elif part.get("type") == "image_url" and message["role"] == "user":
            problems += picture_problems(part.get("image_url", {}))
        else:
            problems.append(f"a part of type {part.get('type')} cannot stand in a message of {message['role']}")
    return problems or ([] if content else ["content is missing"])


def picture_problems(picture: Any) -> list[str]:
    head, _, data = str(picture.get("url")).partition(",")
    if picture.get("detail", "auto") not in ("auto", "low", "high", "original"):
        return ["detail is unknown"]
    if head != "data:image/jpeg;base64" or not base64.b64decode(data, validate=True).startswith(b"\xff\xd8"):
        return ["a picture is no JPEG data URL"]
    return []


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
            "usage": {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
        }
    )


def answers(value: Any) -> Reply:
    return completion(json.dumps(value))


def refuses() -> Reply:
    return completion(None, refusal="I'm sorry, I can't help with that.")


def filtered() -> Reply:
    return completion("", "content_filter")


def truncates(value: Any) -> Reply:
    whole = json.dumps(value)
    return completion(whole[: len(whole) // 2], "length")


def failed(status: int, type: str = "server_error", code: str | None = None, **headers: str) -> Reply:
    error = {"message": "It failed.", "type": type, "param": None, "code": code}
    return Reply({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def busy(retry_after: str = "0.01") -> Reply:
    return failed(429, "requests", "rate_limit_exceeded", retry_after=retry_after)


def cut_off(value: Any) -> Reply:
    return Reply(answers(value).value, cut=True)


SILENT = Reply(silent=True)
