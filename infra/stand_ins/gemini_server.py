"""A stand-in for the Gemini API by its published reference, for use with the real SDK.

Serves generated content, also as streams, embeddings, the Files API and the registration of Cloud Storage objects.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.stand_ins.gemini_requests import (
    batch_problems,
    embedding_problems,
    parts_of,
    request_problems,
    to_camel_case,
)
from infra.stand_ins.server import SSE, RecordedRequest, Reply, StandInServer

YOUTUBE = "https://www.youtube.com/"
"""Links of videos that the service reads itself."""
KEY = "AIza-test-0123456789"
VERSION = "v1"
MAX_REQUEST, MAX_VERTEX_REQUEST = 100_000_000, 20_000_000
GENERATE_METHODS = ("generateContent", "streamGenerateContent?alt=sse")
MODEL = re.compile(
    rf"/(?:{VERSION}|v1beta1(?:/projects/[^/]+/locations/[^/]+)?/publishers/google)/(models/[\w.-]+):(\w+)(\?alt=sse)?"
)
FILE = re.compile(rf"/{VERSION}/(files/[a-z0-9][a-z0-9-]{{0,38}}[a-z0-9])")


@dataclass
class GeminiFile:
    """A file of the Files API. Its state is PROCESSING for `pending_polls` more requests, then `outcome`."""

    name: str
    mime_type: str
    size: int
    data: bytes = b""
    pending_polls: int = 0
    outcome: str = "ACTIVE"

    @property
    def state(self) -> str:
        return "PROCESSING" if self.pending_polls > 0 else self.outcome


class GeminiServer(StandInServer):
    """Replies to requests for content from the queue, and to embedding requests with `hash_embedding`.

    With `vertex` it stands in for Vertex AI: it accepts any bearer token, and has no Files API.

    Attributes:
        objects: URIs of the Cloud Storage objects that it may read.
        files: Stored files by name.
        deleted: Names of deleted files.
        failing_uploads, failing_chunks: Replies to the next uploads, and to the next chunks of one.
    """

    def __init__(self, processing: int = 1, outcome: str = "ACTIVE", vertex: bool = False) -> None:
        """New files are PROCESSING for `processing` requests, then `outcome`."""
        super().__init__()
        self.files: dict[str, GeminiFile] = {}
        self.objects: set[str] = set()
        self.deleted: list[str] = []
        self.processing = processing
        self.outcome = outcome
        self.vertex = vertex
        self.failing_uploads: list[Reply] = []
        self.failing_chunks: list[Reply] = []

    def generation_requests(self) -> list[RecordedRequest]:
        """Return the requests for content, without those about files."""
        return [request for request in self.requests if request.path.endswith(":generateContent")]

    def reply_to(self, request: RecordedRequest) -> Reply:
        allowed = (
            request.headers.get("authorization", "").startswith("Bearer ")
            if self.vertex
            else request.headers.get("x-goog-api-key") == KEY
        )
        if not allowed and not request.path.startswith("/upload-session/"):
            return error_reply(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID")
        model = MODEL.fullmatch(request.path)
        if model and request.method == "POST":
            return self._model_reply(request, model[1], f"{model[2]}{model[3] or ''}")
        if not self.vertex and request.method == "POST" and request.path == f"/upload/{VERSION}/files":
            return self._start_upload(request)
        if not self.vertex and request.method == "POST" and request.path.startswith("/upload-session/"):
            return self._receive_chunk(request)
        if not self.vertex and request.method == "POST" and request.path == f"/{VERSION}/files:register":
            return self._register_objects(request)
        match = FILE.fullmatch(request.path)
        if match and not self.vertex and request.method in ("GET", "DELETE"):
            return self._file_reply(request.method, match[1])
        self.problems.append(f"{request.method} {request.path} is not served")
        return error_reply(404, "NOT_FOUND")

    def _model_reply(self, request: RecordedRequest, model: str, method: str) -> Reply:
        body = to_camel_case(request.json)
        if method in GENERATE_METHODS:
            problems = [*request_problems(body), *self._file_problems(body)]
        elif method == "batchEmbedContents":
            problems = batch_problems(body, model, self.vertex)
        elif method == "embedContent" and self.vertex:
            problems = embedding_problems(body, self.vertex)
        else:
            problems = [f"{method} is not served"]
        if len(request.body) > (MAX_VERTEX_REQUEST if self.vertex else MAX_REQUEST):
            problems.append(f"the request has {len(request.body)} bytes")
        if problems:
            self.problems += problems
            return error_reply(400, "INVALID_ARGUMENT")
        reply = self.next_reply()
        if reply is None and method not in GENERATE_METHODS:
            return embedding_reply(body, with_usage=self.vertex)
        if reply is None:
            self.problems.append("a request without a queued reply")
            return error_reply(400, "INVALID_ARGUMENT")
        return reply

    def _file_problems(self, body: Any) -> list[str]:
        active = {self._uri(file) for file in self.files.values() if file.state == "ACTIVE"}
        if self.vertex:
            active |= self.objects
        uris = [part["fileData"]["fileUri"] for part in parts_of(body) if "fileData" in part]
        return [f"{uri} is no active file" for uri in uris if uri not in active and not uri.startswith(YOUTUBE)]

    def _register_objects(self, request: RecordedRequest) -> Reply:
        uris = request.json["uris"]
        if not request.headers.get("authorization", "").startswith("Bearer ") or not self.objects.issuperset(uris):
            return error_reply(403, "PERMISSION_DENIED")
        files = [
            GeminiFile(f"files/registered-{len(self.files) + number}", "video/mp4", 0, pending_polls=self.processing)
            for number, _ in enumerate(uris)
        ]
        self.files |= {file.name: file for file in files}
        return Reply({"files": [self._to_file_json(file) for file in files]})

    def _start_upload(self, request: RecordedRequest) -> Reply:
        description = to_camel_case(request.json).get("file", {})
        if request.headers.get("x-goog-upload-protocol") != "resumable":
            self.problems.append("the upload is not resumable")
        if request.headers.get("x-goog-upload-command") != "start":
            self.problems.append("the upload does not start with start")
        if self.failing_uploads:
            return self.failing_uploads.pop(0)
        name = description.get("name", "files/made-up")
        if not FILE.fullmatch(f"/{VERSION}/{name}"):
            self.problems.append(f"{name} is no name of a file")
        self.files[name] = GeminiFile(
            name,
            request.headers["x-goog-upload-header-content-type"],
            int(request.headers["x-goog-upload-header-content-length"]),
            pending_polls=self.processing,
            outcome=self.outcome,
        )
        session = f"{self.url}/upload-session/{name.removeprefix('files/')}"
        return Reply({}, headers={"x-goog-upload-url": session, "x-goog-upload-status": "active"})

    def _receive_chunk(self, request: RecordedRequest) -> Reply:
        if self.failing_chunks:
            return self.failing_chunks.pop(0)
        file = self.files["files/" + request.path.removeprefix("/upload-session/")]
        if int(request.headers["x-goog-upload-offset"]) != len(file.data):
            self.problems.append("a chunk does not follow the one before")
        file.data += request.body
        if "finalize" not in request.headers["x-goog-upload-command"]:
            return Reply({}, headers={"x-goog-upload-status": "active"})
        if len(file.data) != file.size:
            self.problems.append("an upload has another size than it said")
        return Reply({"file": self._to_file_json(file)}, headers={"x-goog-upload-status": "final"})

    def _file_reply(self, method: str, name: str) -> Reply:
        file = self.files.get(name)
        if file is None:
            return error_reply(403, "PERMISSION_DENIED")
        if method == "DELETE":
            del self.files[name]
            self.deleted.append(name)
            return Reply({})
        file.pending_polls -= 1
        return Reply(self._to_file_json(file))

    def _uri(self, file: GeminiFile) -> str:
        return f"https://generativelanguage.googleapis.com/{VERSION}/{file.name}"

    def _to_file_json(self, file: GeminiFile) -> dict[str, Any]:
        fields = {
            "name": file.name,
            "mimeType": file.mime_type,
            "sizeBytes": str(file.size),
            "createTime": "2026-11-20T12:00:00.000000Z",
            "expirationTime": "2026-11-22T12:00:00.000000Z",
            "uri": self._uri(file),
            "state": file.state,
            "source": "UPLOADED",
        }
        return fields | ({"error": {"code": 3, "message": "cannot read"}} if file.state == "FAILED" else {})


def generation_reply(
    text: str | None,
    finish_reason: str = "STOP",
    tokens: tuple[int, int, int] = (3000, 300, 100),
    modality: str = "VIDEO",
) -> Reply:
    candidate: dict[str, Any] = {"finishReason": finish_reason, "index": 0}
    if text is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
    return Reply(
        {
            "candidates": [candidate],
            "usageMetadata": token_usage(tokens, modality),
            "modelVersion": "gemini-3.5-flash-lite",
            "responseId": "response-1",
        }
    )


def token_usage(tokens: tuple[int, int, int], modality: str) -> dict[str, Any]:
    return {
        "promptTokenCount": tokens[0],
        "candidatesTokenCount": tokens[1],
        "thoughtsTokenCount": tokens[2],
        "totalTokenCount": sum(tokens),
        "promptTokensDetails": [{"modality": modality, "tokenCount": tokens[0]}],
    }


def json_reply(value: Any) -> Reply:
    return generation_reply(json.dumps(value))


def blocked_prompt_reply(reason: str = "PROHIBITED_CONTENT") -> Reply:
    usage = {"promptTokenCount": 3000, "totalTokenCount": 3000}
    return Reply({"promptFeedback": {"blockReason": reason}, "usageMetadata": usage})


def safety_stop_reply(reason: str = "SAFETY") -> Reply:
    return generation_reply(None, reason)


def token_limit_reply(value: Any) -> Reply:
    text = json.dumps(value)
    return generation_reply(text[: len(text) // 2], "MAX_TOKENS")


def continuation_reply(value: Any) -> Reply:
    """Return the first part of an answer, with a token for the next part."""
    reply = generation_reply(json.dumps(value)[:50], "CONTINUATION")
    return Reply(reply.value | {"continuationToken": "bmV4dA=="})


def error_reply(
    status: int, name: str = "INTERNAL", reason: str | None = None, retry_after: str | None = None
) -> Reply:
    error: dict[str, Any] = {"code": status, "message": "It failed.", "status": name}
    if reason:
        domain = "googleapis.com"
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}]
    return Reply({"error": error}, status, {"retry-after": retry_after} if retry_after else {})


def rate_limit_reply(retry_delay: str = "0.01s") -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}]
    return Reply({"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": details}}, 429)


def disconnect_reply(value: Any) -> Reply:
    return Reply(json_reply(value).value, cut=True)


def transcription_reply(*lines: tuple[str, str, str], language: str | None = "en") -> Reply:
    """Return a transcript as the model writes it: start, end and text of each line."""
    spoken_lines = [{"start": start, "end": end, "text": text} for start, end, text in lines]
    return generation_reply(json.dumps({"language": language, "lines": spoken_lines}), modality="AUDIO")


def stream_reply(
    *pieces: str,
    finish_reason: str | None = "STOP",
    tokens: tuple[int, int, int] | None = (3000, 300, 100),
    error: dict[str, Any] | None = None,
) -> Reply:
    """Return an answer as a stream; it breaks off with `error`, or without a `finish_reason`."""
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}]} for piece in pieces
    ]
    if error:
        events.append({"error": error})
    elif finish_reason:
        events.append({"candidates": [{"finishReason": finish_reason, "index": 0}]})
    for number, event in enumerate(events, start=1):
        if tokens and "error" not in event:
            so_far = (tokens[0], tokens[1] * number // len(events), tokens[2])
            event["usageMetadata"] = token_usage(so_far, "TEXT")
    return Reply("".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events).encode(), headers=SSE)


def hash_embedding(text: str, dimensions: int) -> list[float]:
    """Return the same numbers for the same text; below 3072 dimensions the service does not normalize vectors."""
    return [byte / 128 - 1 for byte in hashlib.shake_128(text.encode()).digest(dimensions)]


def embedding_reply(
    body: Any, with_usage: bool = False, vector: Callable[[str, int], Sequence[float]] = hash_embedding
) -> Reply:
    """Return vectors for the texts of a request, one or a batch; `with_usage` adds the number of tokens."""
    vectors, tokens = [], 0
    for request in body.get("requests", [body]):
        text = "".join(part["text"] for part in request["content"]["parts"])
        config = request.get("embedContentConfig", request)
        vectors.append({"values": [*vector(text, config.get("outputDimensionality", 3072))]})
        tokens += -(-len(text.encode()) // 4)
    value: dict[str, Any] = {"embeddings": vectors} if "requests" in body else {"embedding": vectors[0]}
    return Reply(value | ({"usageMetadata": {"promptTokenCount": tokens}} if with_usage else {}))


SILENT = Reply(silent=True)
