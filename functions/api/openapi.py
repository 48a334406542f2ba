"""The OpenAPI document, and descriptions of requests and responses that FastAPI cannot derive from routes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.routing import BaseRoute

from functions.api import openai_errors
from functions.api.problems import Problem
from functions.api.rate_limits import is_rate_limited
from functions.api.schemas import FileJobRequest, PublicJob, UploadRequest, UrlJobRequest
from functions.api.scopes import ROUTE_SCOPES

FORM_LIMIT = "In the cloud, a request has at most 32 MiB: send larger files with POST /v1/uploads."
"""Of every path that accepts a file in a form."""
JOB_EXAMPLE = {
    "id": "7d4b1c0e9f2a4e5b8c6d3f1a2b4c5d6e",
    "kind": "recipe",
    "language": "de",
    "url": "https://example.com/soup.mp4",
    "filename": "soup.mp4",
    "status": "running",
    "stage": "extract",
    "progress": 31,
    "stages": {
        "download": {"status": "done", "attempts": 1, "progress": 1.0},
        "extract": {"status": "running", "attempts": 1, "progress": 0.4, "message": "Detecting shots and key frames"},
        "analyze": {"status": "pending", "attempts": 0, "progress": 0.0},
        "persist": {"status": "pending", "attempts": 0, "progress": 0.0},
    },
    "result": None,
    "error": None,
    "createdAt": "2026-11-20T18:00:00Z",
    "updatedAt": "2026-11-20T18:00:07Z",
}
TAGS = {
    "service": "Availability of the service, and its pages.",
    "accounts": "Accounts, sessions and API keys.",
    "kinds": "The kinds of analysis.",
    "jobs": "Jobs: submit a video, follow its processing, get the result.",
    "batches": "Batches: submit many videos at once, and follow all their jobs.",
    "videos": "The library of stored videos.",
    "groups": "Groups of videos, and their share links.",
    "shared": "Read access to a shared group by its token, without an account.",
    "chat": "Questions about videos, and the chat history.",
    "openai": "Chat in the form of OpenAI's API: the library and each group are models.",
    "mcp": "The Model Context Protocol, for AI assistants.",
    "search": "Search for moments in all your videos.",
    "datasets": "Image datasets: search, download, validate, export.",
    "webhooks": "Notifications of ended jobs to your own servers.",
    "feeds": "Atom feeds of finished results.",
    "operations": "Load, failures, durations and costs: your own, or those of all users for administrators.",
    "compat: recipe app": "Paths of the earlier recipe app.",
    "compat: reel scripter": "Paths of the earlier reel scripter.",
    "compat: video metadata": "Paths of the earlier video metadata service.",
    "compat: image crawler": "Paths of the earlier image crawler.",
    "compat: ask-video": "Paths of the earlier ask-video.",
}
REF = "#/components/schemas/{model}"
Responses = dict[int | str, dict[str, Any]]


def problem_responses(*statuses: int) -> Responses:
    """Describe these statuses as responses with a problem object."""
    content = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


RATE_LIMITED = problem_responses(429)
RATE_LIMITED[429]["headers"] = {
    "Retry-After": {"description": "Seconds to wait before the next request.", "schema": {"type": "integer"}}
}

# Any request may come while the storage takes no writes.
STORAGE_UNAVAILABLE = problem_responses(503, 507)


def file_content(media_types: Iterable[str]) -> dict[str, Any]:
    """Describe a response that is a file of one of these media types: an object in JSON, else text."""
    names = [name.partition(";")[0] for name in media_types]
    return {name: {"schema": {"type": "object" if name.endswith("json") else "string"}} for name in names}


def event_stream(data: dict[str, Any], event: str | None = None) -> dict[str, Any]:
    """Describe the server-sent events of one name, whose data is JSON of this schema."""
    json_text = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    fields = {"id": {"type": "string"}, "event": {"const": event or "message"}, "data": json_text}
    return {"type": "object", "properties": fields, "required": ["event", "data"] if event else ["data"]}


def event_stream_response(description: str, schema: dict[str, Any]) -> Responses:
    """Describe a response of server-sent events; `schema` is that of one event."""
    return {200: {"description": description, "content": {"text/event-stream": {"schema": schema}}}}


def request_body(**models: str) -> dict[str, Any]:
    """Document a request body that the route parses itself: media type (`__` for `/`) to the name of its schema."""
    content = {
        name.replace("__", "/").replace("_", "-"): {"schema": {"$ref": REF.format(model=model)}}
        for name, model in models.items()
    }
    return {"requestBody": {"required": True, "content": content}}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Document a JSON body of this model, which the route parses itself."""
    return inline_request_body("application/json", model.model_json_schema())


def inline_request_body(media_type: str, schema: dict[str, Any], **files: str) -> dict[str, Any]:
    """Document a request body by an inline schema; `files` adds required file fields with their descriptions."""
    fields = {name: {"type": "string", "format": "binary", "description": text} for name, text in files.items()}
    # `build_openapi` moves the definitions there.
    resolved: dict[str, Any] = json.loads(json.dumps(schema).replace("#/$defs/", REF.format(model="")))
    merged = resolved | {
        "properties": fields | resolved["properties"],
        "required": [*fields, *schema.get("required", [])],
    }
    return {"requestBody": {"required": True, "content": {media_type: {"schema": merged}}}}


def either_request_body(*bodies: dict[str, Any]) -> dict[str, Any]:
    """Document a request body of any of these media types."""
    content = {name: media for extra in bodies for name, media in extra["requestBody"]["content"].items()}
    return {"requestBody": {"required": True, "content": content}}


def build_openapi(app: FastAPI, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Build the document of the routes, with the requests and responses that FastAPI does not know."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=routes,
        # Relative to the document, since not every host serves the API at its root.
        servers=[{"url": "."}],
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schemas |= content["schema"].pop("$defs", {})
            # The other operations need a token or a key.
            operation.setdefault("security", [])
            if operation["security"]:
                add_key_scope(operation, f"{method.upper()} {path}")
            responses = operation["responses"]
            if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
                responses.setdefault("409", problem_responses(409)[409])
            if "requestBody" in operation:
                responses.setdefault("400", problem_responses(400)[400])
            # No route returns FastAPI's own form of errors.
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
            if is_rate_limited(path):
                responses |= {str(status): response for status, response in RATE_LIMITED.items()}
                for status, response in STORAGE_UNAVAILABLE.items():
                    responses.setdefault(str(status), response)
            if path.startswith(openai_errors.PREFIX):
                openai_errors.describe_errors(responses, REF.format(model="OpenAIError"))
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Problem, openai_errors.OpenAIError, UrlJobRequest, FileJobRequest, UploadRequest):
        schemas |= _component_schemas(model)
    schemas["Job"]["examples"] = [PublicJob.model_validate(JOB_EXAMPLE).to_json()]
    form = schemas["FileJobRequest"]
    form["properties"]["file"] = {"type": "string", "format": "binary", "description": "The video or audio file."}
    for name in ("options", "tags"):
        form["properties"][name] = {
            "type": "string",
            "description": f"The value of `{name}` from the JSON request, encoded as JSON.",
        }
    form["required"] = ["file", *form["required"]]
    return document


def add_key_scope(operation: dict[str, Any], route: str) -> None:
    """Describe the scope that an API key needs: for people, and as a role of the security scheme for programs."""
    scope = ROUTE_SCOPES.get(route)
    if scope is None:
        operation["description"] += " API keys are not accepted."
        return
    operation["description"] += f" API keys need the scope `{scope}`."
    operation["security"] = [{name: [scope.value] for name in scheme} for scheme in operation["security"]]


def _component_schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=REF)
    nested: dict[str, Any] = schema.pop("$defs", {})
    return nested | {model.__name__: schema}
