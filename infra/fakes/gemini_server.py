"""The Gemini API as its published reference describes it (generateContent, Files), for the real SDK to talk to."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from infra.fakes.server import Asked, FakeService, Reply

KEY = "AIza-test-0123456789"
VERSION = "v1"
MAX_REQUEST = 20_000_000
GENERATE = re.compile(
    rf"/(?:{VERSION}/models|v1beta1/(?:projects/[^/]+/locations/[^/]+/)?publishers/google/models)/[\w.-]+:generateContent"
)
FILE = re.compile(rf"/{VERSION}/(files/[a-z0-9][a-z0-9-]{{0,38}}[a-z0-9])")
TOP = {
    "contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "cachedContent",
}  # fmt: skip
CONFIG = {
    "responseMimeType", "responseSchema", "responseJsonSchema", "maxOutputTokens", "temperature", "topP", "topK",
    "seed", "candidateCount", "stopSequences", "mediaResolution", "thinkingConfig", "presencePenalty",
    "frequencyPenalty",
}  # fmt: skip
SCHEMA = {
    "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
    "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required",
    "propertyOrdering",
}  # fmt: skip


@dataclass
class Stored:
    """A file of the Files API. It is PROCESSING for `looks` more requests, then `outcome`."""

    name: str
    mime_type: str
    size: int
    data: bytes = b""
    looks: int = 0
    outcome: str = "ACTIVE"

    @property
    def state(self) -> str:
        return "PROCESSING" if self.looks > 0 else self.outcome


class GeminiServer(FakeService):
    """The service, or with `vertex` that of Vertex AI: any bearer token is taken, and there is no Files API.

    Attributes:
        files: What is stored now, by name.
        deleted: Names that were deleted.
        failing_uploads, failing_chunks: Answers to the next uploads that start, and to the next parts of one.
    """

    def __init__(self, processing: int = 1, outcome: str = "ACTIVE", vertex: bool = False) -> None:
        """New files are PROCESSING for so many looks at them, then `outcome`."""
        super().__init__()
        self.files: dict[str, Stored] = {}
        self.deleted: list[str] = []
        self.processing = processing
        self.outcome = outcome
        self.vertex = vertex
        self.failing_uploads: list[Reply] = []
        self.failing_chunks: list[Reply] = []

    def generated(self) -> list[Asked]:
        """The requests for an answer, without those about files."""
        return [asked for asked in self.asked if asked.path.endswith(":generateContent")]

    def reply_to(self, asked: Asked) -> Reply:
        allowed = (
            asked.headers.get("authorization", "").startswith("Bearer ")
            if self.vertex
            else asked.headers.get("x-goog-api-key") == KEY
        )
        if not allowed and not asked.path.startswith("/upload-session/"):
            return failed(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID")
        if asked.method == "POST" and GENERATE.fullmatch(asked.path):
            return self._generate(asked)
        if not self.vertex and asked.method == "POST" and asked.path == f"/upload/{VERSION}/files":
            return self._start(asked)
        if not self.vertex and asked.method == "POST" and asked.path.startswith("/upload-session/"):
            return self._receive(asked)
        match = FILE.fullmatch(asked.path)
        if match and not self.vertex and asked.method in ("GET", "DELETE"):
            return self._file(asked.method, match[1])
        self.problems.append(f"{asked.method} {asked.path} is not served")
        return failed(404, "NOT_FOUND")

    def _generate(self, asked: Asked) -> Reply:
        problems = request_problems(in_camel_case(asked.json))
        if len(asked.body) > MAX_REQUEST:
            problems.append(f"the request has {len(asked.body)} bytes")
        for part in parts_of(asked.json):
            uri = part.get("fileData", {}).get("fileUri")
            if uri and uri not in {self._uri(file) for file in self.files.values() if file.state == "ACTIVE"}:
                problems.append(f"{uri} is no active file")
        if problems:
            self.problems += problems
            return failed(400, "INVALID_ARGUMENT")
        reply = self.next_reply()
        if reply is None:
            self.problems.append("one request more than answers were prepared for")
            return failed(400, "INVALID_ARGUMENT")
        return reply

    def _start(self, asked: Asked) -> Reply:
        told = in_camel_case(asked.json).get("file", {})
        if asked.headers.get("x-goog-upload-protocol") != "resumable":
            self.problems.append("the upload is not resumable")
        if asked.headers.get("x-goog-upload-command") != "start":
            self.problems.append("the upload does not start with start")
        if self.failing_uploads:
            return self.failing_uploads.pop(0)
        name = told.get("name", "files/made-up")
        if not FILE.fullmatch(f"/{VERSION}/{name}"):
            self.problems.append(f"{name} is no name of a file")
        self.files[name] = Stored(
            name,
            asked.headers["x-goog-upload-header-content-type"],
            int(asked.headers["x-goog-upload-header-content-length"]),
            looks=self.processing,
            outcome=self.outcome,
        )
        session = f"{self.url}/upload-session/{name.removeprefix('files/')}"
        return Reply({}, headers={"x-goog-upload-url": session, "x-goog-upload-status": "active"})

    def _receive(self, asked: Asked) -> Reply:
        if self.failing_chunks:
            return self.failing_chunks.pop(0)
        file = self.files["files/" + asked.path.removeprefix("/upload-session/")]
        if int(asked.headers["x-goog-upload-offset"]) != len(file.data):
            self.problems.append("a chunk does not follow the one before")
        file.data += asked.body
        if "finalize" not in asked.headers["x-goog-upload-command"]:
            return Reply({}, headers={"x-goog-upload-status": "active"})
        if len(file.data) != file.size:
            self.problems.append("an upload has another size than it said")
        return Reply({"file": self._shown(file)}, headers={"x-goog-upload-status": "final"})

    def _file(self, method: str, name: str) -> Reply:
        file = self.files.get(name)
        if file is None:
            return failed(403, "PERMISSION_DENIED")
        if method == "DELETE":
            del self.files[name]
            self.deleted.append(name)
            return Reply({})
        file.looks -= 1
        return Reply(self._shown(file))

    def _uri(self, file: Stored) -> str:
        return f"https://generativelanguage.googleapis.com/{VERSION}/{file.name}"

    def _shown(self, file: Stored) -> dict[str, Any]:
        shown = {
            "name": file.name,
            "mimeType": file.mime_type,
            "sizeBytes": str(file.size),
            "createTime": "2026-11-20T12:00:00.000000Z",
            "expirationTime": "2026-11-22T12:00:00.000000Z",
            "uri": self._uri(file),
            "state": file.state,
            "source": "UPLOADED",
        }
        return shown | ({"error": {"code": 3, "message": "cannot read"}} if file.state == "FAILED" else {})


def in_camel_case(value: Any) -> Any:
    """JSON of protocol buffers takes field names in either spelling, and the SDK uses both."""
    if isinstance(value, list):
        return [in_camel_case(part) for part in value]
    if not isinstance(value, dict):
        return value
    spelled = {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): part for name, part in value.items()}
    return {name: part if name == "responseJsonSchema" else in_camel_case(part) for name, part in spelled.items()}


def parts_of(body: Any) -> list[dict[str, Any]]:
    return [part for content in in_camel_case(body).get("contents", []) for part in content.get("parts", [])]


def request_problems(body: Any) -> list[str]:
    problems = [f"unknown field {name}" for name in body.keys() - TOP]
    config = body.get("generationConfig", {})
    problems += [f"unknown field generationConfig.{name}" for name in config.keys() - CONFIG]
    if "responseJsonSchema" in config:
        if config.get("responseMimeType") != "application/json":
            problems.append("a response schema needs the type application/json")
        problems += schema_problems(config["responseJsonSchema"])
    if not body.get("contents"):
        problems.append("contents are missing")
    for content in body.get("contents", []):
        if content.get("role") not in ("user", "model"):
            problems.append(f"role {content.get('role')} is unknown")
    for part in parts_of(body) + body.get("systemInstruction", {}).get("parts", []):
        problems += part_problems(part)
    return problems


def part_problems(part: dict[str, Any]) -> list[str]:
    kinds = part.keys() & {"text", "inlineData", "fileData"}
    if len(kinds) != 1 or part.keys() - kinds:
        return [f"a part has the fields {sorted(part)}"]
    blob = part.get("inlineData") or part.get("fileData")
    if blob is None:
        return [] if isinstance(part["text"], str) and part["text"] else ["a text part has no text"]
    if not re.fullmatch(r"(video|image|audio)/[\w.+-]+", blob.get("mimeType", "")):
        return [f"mimeType {blob.get('mimeType')} is not taken"]
    return [] if "fileUri" in blob or bytes_of(blob) else ["a blob is empty"]


def bytes_of(blob: dict[str, Any]) -> bytes:
    """Bytes in JSON come in either alphabet of base64."""
    return base64.b64decode(blob["data"].replace("-", "+").replace("_", "/"), validate=True)


def schema_problems(schema: dict[str, Any], at: str = "$") -> list[str]:
    problems = [f"{at} has the unknown keyword {key}" for key in schema.keys() - SCHEMA]
    for name, part in schema.get("properties", {}).items():
        problems += schema_problems(part, f"{at}.{name}")
    if "items" in schema:
        problems += schema_problems(schema["items"], f"{at}[]")
    for option in schema.get("anyOf", []):
        problems += schema_problems(option, at)
    return problems


def generated(text: str | None, finish_reason: str = "STOP", tokens: tuple[int, int, int] = (3000, 300, 100)) -> Reply:
    candidate: dict[str, Any] = {"finishReason": finish_reason, "index": 0}
    if text is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
    return Reply(
        {
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": tokens[0],
                "candidatesTokenCount": tokens[1],
                "thoughtsTokenCount": tokens[2],
                "totalTokenCount": sum(tokens),
                "promptTokensDetails": [{"modality": "VIDEO", "tokenCount": tokens[0]}],
            },
            "modelVersion": "gemini-3.5-flash-lite",
            "responseId": "response-1",
        }
    )


def answers(value: Any) -> Reply:
    return generated(json.dumps(value))


def blocks(reason: str = "PROHIBITED_CONTENT") -> Reply:
    usage = {"promptTokenCount": 3000, "totalTokenCount": 3000}
    return Reply({"promptFeedback": {"blockReason": reason}, "usageMetadata": usage})


def stops(reason: str = "SAFETY") -> Reply:
    return generated(None, reason)


def truncates(value: Any) -> Reply:
    whole = json.dumps(value)
    return generated(whole[: len(whole) // 2], "MAX_TOKENS")


def continues(value: Any) -> Reply:
    """As when an answer comes in parts: there is a token to ask for the next one."""
    reply = generated(json.dumps(value)[:50], "CONTINUATION")
    return Reply(reply.value | {"continuationToken": "bmV4dA=="})


def failed(status: int, name: str = "INTERNAL", reason: str | None = None, retry_after: str | None = None) -> Reply:
    error: dict[str, Any] = {"code": status, "message": "It failed.", "status": name}
    if reason:
        domain = "googleapis.com"
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}]
    return Reply({"error": error}, status, {"retry-after": retry_after} if retry_after else {})


def busy(retry_delay: str = "0.01s") -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}]
    return Reply({"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": details}}, 429)


def cut_off(value: Any) -> Reply:
    return Reply(answers(value).value, cut=True)


SILENT = Reply(silent=True)
