"""Checks requests against OpenAI's published reference, and schemas against its strict mode."""

from __future__ import annotations

import base64
from pathlib import PurePath
from typing import Any

from infra.stand_ins.server import MultipartFile, RecordedRequest, parse_multipart

KEYWORDS = {
    "type", "description", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items", "$ref",
    "$defs", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format",
    "minItems", "maxItems",
}  # fmt: skip
MAX_DEPTH, MAX_PROPERTIES = 10, 5000


def strict_problems(schema: Any, at: str = "$", depth: int = 0) -> list[str]:
    """Return the violations of strict mode (OpenAI's guide to structured outputs); empty for a valid schema."""
    if not isinstance(schema, dict):
        return [f"{at} is no schema"]
    problems = [f"{at} has the unknown keyword {key}" for key in schema.keys() - KEYWORDS]
    if depth > MAX_DEPTH:
        problems.append(f"{at} is nested too deeply")
    if at == "$" and schema.get("type") != "object":
        problems.append("the root is no object")
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            problems.append(f"{at} is not closed")
        if sorted(schema.get("required", [])) != sorted(properties):
            problems.append(f"{at} does not require all its properties")
        for name, part in properties.items():
            problems += strict_problems(part, f"{at}.{name}", depth + 1)
    if schema.get("type") == "array":
        problems += strict_problems(schema.get("items"), f"{at}[]", depth + 1)
    for number, option in enumerate(schema.get("anyOf", [])):
        problems += strict_problems(option, f"{at}|{number}", depth)
    if not schema.keys() & {"type", "anyOf", "enum", "const", "$ref"}:
        problems.append(f"{at} has no type")
    return problems


CHAT = {
    "model", "messages", "response_format", "max_completion_tokens", "temperature", "seed", "store", "metadata", "n",
    "max_tokens", "reasoning_effort", "service_tier", "stop", "stream", "stream_options", "top_p", "user", "verbosity",
}  # fmt: skip
ROLES = ("system", "developer", "user", "assistant")
TRANSCRIPTION = {
    "model", "response_format", "timestamp_granularities[]", "temperature", "language", "prompt", "include[]",
    "chunking_strategy", "stream", "languages[]", "keywords[]", "known_speaker_names[]", "known_speaker_references[]",
}  # fmt: skip
DIARIZED, PLAIN = {"json", "text", "diarized_json"}, {"json", "text"}
WHISPER = {"json", "text", "srt", "verbose_json", "vtt"}
AUDIO_SUFFIXES = {".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".wav", ".webm"}
MAX_AUDIO = 25 * 1024 * 1024
EMBEDDING = {"model", "input", "dimensions", "encoding_format", "user"}
MAX_INPUTS, MAX_TEXT, MAX_TEXTS = 2_048, 8_192, 300_000
"""The last two are in tokens. Without a tokenizer they are checked in bytes, of which a token has at least one."""


def chat_problems(body: Any) -> list[str]:
    problems = [f"unknown parameter {name}" for name in body.keys() - CHAT]
    if not isinstance(body.get("model"), str) or not body["model"]:
        problems.append("model is missing")
    for limit in ("max_completion_tokens", "max_tokens"):
        if not isinstance(body.get(limit, 1), int):
            problems.append(f"{limit} is no integer")
    if not body.get("messages"):
        problems.append("messages are missing")
    for message in body.get("messages", []):
        problems += message_problems(message)
    if "stream_options" in body and (not body.get("stream") or body["stream_options"].keys() - {"include_usage"}):
        problems.append("stream_options are for streams, and include_usage is all there is")
    shape = body.get("response_format", {"type": "text"})
    if shape.get("type") not in ("text", "json_object", "json_schema"):
        problems.append(f"response_format {shape.get('type')} is unknown")
    if shape.get("type") == "json_schema":
        json_schema = shape["json_schema"]
        if json_schema.keys() - {"name", "strict", "schema", "description"} or not json_schema.get("name"):
            problems.append("json_schema has unknown keys or no name")
        if json_schema.get("strict"):
            problems += strict_problems(json_schema.get("schema"))
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
            problems += image_problems(part.get("image_url", {}))
        else:
            problems.append(f"a part of type {part.get('type')} cannot stand in a message of {message['role']}")
    return problems or ([] if content else ["content is missing"])


def image_problems(image: Any) -> list[str]:
    head, _, data = str(image.get("url")).partition(",")
    if image.get("detail", "auto") not in ("auto", "low", "high", "original"):
        return ["detail is unknown"]
    if head != "data:image/jpeg;base64" or not base64.b64decode(data, validate=True).startswith(b"\xff\xd8"):
        return ["a picture is no JPEG data URL"]
    return []


def transcription_problems(request: RecordedRequest) -> list[str]:
    try:
        form = parse_multipart(request)
    except ValueError as error:
        return [str(error)]
    problems = [f"unknown field {name}" for name in form.texts.keys() - TRANSCRIPTION]
    problems += [f"{name} is there twice" for name, values in form.texts.items() if name[-1] != "]" and len(values) > 1]
    if list(form.files) != ["file"] or len(form.files["file"]) != 1:
        return [*problems, "there is not one file"]
    problems += audio_file_problems(form.files["file"][0])
    model = form.texts.get("model", [""])[0]
    if not model:
        return [*problems, "model is missing"]
    shape = form.texts.get("response_format", ["json"])[0]
    if shape not in (DIARIZED if "diarize" in model else PLAIN if model.startswith("gpt-") else WHISPER):
        problems.append(f"{model} has no response_format {shape}")
    granularities = set(form.texts.get("timestamp_granularities[]", []))
    if granularities - {"word", "segment"} or (granularities and shape != "verbose_json"):
        problems.append("timestamp_granularities are words and segments, and for verbose_json")
    if "diarize" in model and "chunking_strategy" not in form.texts:
        problems.append("chunking_strategy is missing")
    if not 0 <= float(form.texts.get("temperature", ["0"])[0]) <= 1:
        problems.append("temperature is out of range")
    return problems


def audio_file_problems(file: MultipartFile) -> list[str]:
    suffix = PurePath(file.filename).suffix
    problems = [] if suffix in AUDIO_SUFFIXES else [f"the file name {file.filename} has no known suffix"]
    if not file.content_type.startswith("audio/"):
        problems.append(f"the file is of type {file.content_type}")
    if not file.data or len(file.data) > MAX_AUDIO:
        problems.append(f"the file has {len(file.data)} bytes")
    if suffix == ".flac" and not file.data.startswith(b"fLaC"):
        problems.append("the file is no FLAC")
    return problems


def embedding_problems(body: Any) -> list[str]:
    problems = [f"unknown parameter {name}" for name in body.keys() - EMBEDDING]
    if not isinstance(body.get("model"), str) or not body["model"]:
        problems.append("model is missing")
    if body.get("encoding_format", "float") not in ("float", "base64"):
        problems.append("encoding_format is unknown")
    if not isinstance(body.get("dimensions", 1), int) or body.get("dimensions", 1) < 1:
        problems.append("dimensions is no number")
    texts = body.get("input")
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_INPUTS:
        return [*problems, f"input is no list of 1 to {MAX_INPUTS} texts"]
    if not all(isinstance(text, str) and text for text in texts):
        return [*problems, "a text is empty"]
    sizes = [len(text.encode()) for text in texts]
    if max(sizes) > MAX_TEXT or sum(sizes) > MAX_TEXTS:
        problems.append("the texts may have too many tokens")
    return problems
