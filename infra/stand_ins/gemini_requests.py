"""Checks requests against the published reference of the Gemini API."""

from __future__ import annotations

import base64
import re
from typing import Any

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
OFFSET = re.compile(r"\d+(?:\.\d{1,9})?s")
MAX_BATCH, MAX_DIMENSIONS = 100, 3072
EMBEDDING = {"taskType", "title", "outputDimensionality", "autoTruncate"}
TASKS = {
    "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING", "RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY",
    "CODE_RETRIEVAL_QUERY", "QUESTION_ANSWERING", "FACT_VERIFICATION",
}  # fmt: skip


def to_camel_case(value: Any) -> Any:
    """Convert field names to camel case; protobuf JSON accepts both spellings, and the SDK uses both."""
    if isinstance(value, list):
        return [to_camel_case(part) for part in value]
    if not isinstance(value, dict):
        return value
    renamed = {re.sub(r"_([a-z])", lambda match: match[1].upper(), name): part for name, part in value.items()}
    return {name: part if name == "responseJsonSchema" else to_camel_case(part) for name, part in renamed.items()}


def parts_of(body: Any) -> list[dict[str, Any]]:
    return [part for content in to_camel_case(body).get("contents", []) for part in content.get("parts", [])]


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
    blob = part.get("inlineData") or part.get("fileData")
    if len(kinds) != 1 or part.keys() - kinds - ({"videoMetadata"} if blob else set()):
        return [f"a part has the fields {sorted(part)}"]
    stretch = part.get("videoMetadata", {})
    if stretch.keys() - {"startOffset", "endOffset", "fps"}:
        return [f"videoMetadata has the fields {sorted(stretch)}"]
    if not all(OFFSET.fullmatch(stretch.get(name, "0s")) for name in ("startOffset", "endOffset")):
        return ["an offset in videoMetadata is no duration"]
    if blob is None:
        return [] if isinstance(part["text"], str) and part["text"] else ["a text part has no text"]
    if not re.fullmatch(r"(video|image|audio)/[\w.+-]+", blob.get("mimeType", "")):
        return [f"mimeType {blob.get('mimeType')} is not taken"]
    return [] if "fileUri" in blob or bytes_of(blob) else ["a blob is empty"]


def bytes_of(blob: dict[str, Any]) -> bytes:
    """Decode a blob's bytes, in either base64 alphabet."""
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


def batch_problems(body: Any, model: str, vertex: bool) -> list[str]:
    requests = body.get("requests", [])
    problems = [f"unknown field {name}" for name in body.keys() - {"requests"}]
    if not 1 <= len(requests) <= MAX_BATCH:
        problems.append(f"a batch has {len(requests)} requests")
    for request in requests:
        if request.get("model", "") != ("" if vertex else model):
            problems.append(f"a request is for {request.get('model')} instead of {model}")
        problems += embedding_problems({name: part for name, part in request.items() if name != "model"}, vertex)
    return problems


def embedding_problems(body: Any, vertex: bool) -> list[str]:
    """Check an embedding request; its configuration is beside the content, but in its own object for Vertex AI."""
    config = body.get("embedContentConfig", {}) if vertex else {key: body[key] for key in body.keys() & EMBEDDING}
    allowed = {"embedContentConfig"} if vertex else EMBEDDING
    problems = [f"unknown field {name}" for name in body.keys() - allowed - {"content"}]
    problems += [f"unknown field embedContentConfig.{name}" for name in config.keys() - EMBEDDING]
    if config.get("taskType") not in (None, *TASKS):
        problems.append(f"task type {config['taskType']} is unknown")
    if not 1 <= config.get("outputDimensionality", 1) <= MAX_DIMENSIONS:
        problems.append("outputDimensionality is out of range")
    parts = body.get("content", {}).get("parts", [])
    if not parts or not all(part.get("text") for part in parts):
        problems.append("a content has no text")
    return problems
