"""Errors as problem objects (RFC 9457), each with a `code` and a `detail`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from shared.error_codes.api import RequestCode
from shared.error_codes.registry import CODES
from shared.errors import ClipwiseError, Conflict, NotFound, PermanentError, StorageUnavailable, TransientError
from shared.platform.rate_limits import RateLimited

log = logging.getLogger(__name__)

RETRY_AFTER_SEC = 5
ORIGIN_NOT_ALLOWED = "This origin is not allowed. Add it to FRONTEND_URL."


class BadRequest(PermanentError):
    """An error with status 400, regardless of its code."""


class FieldError(BaseModel):
    """An invalid field of a request."""

    field: str = Field(description="Path of the field, separated by dots, e.g. `options.size`.")
    message: str = Field(description="What is wrong with the field.")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    code: str = Field(description="Stable, machine-readable error code.", examples=["unknown_kind"])
    detail: str = Field(
        description="What happened and what to do, for people.",
        examples=["The kind 'poem' does not exist. Choose one of: metadata, recipe."],
    )
    status: int = Field(description="HTTP status code.", examples=[422])
    title: str = Field(description="Standard phrase of the HTTP status.", examples=["Unprocessable Content"])
    errors: list[FieldError] | None = Field(
        None, description="All invalid fields. Only present if `code` is `invalid_request`."
    )


def problem(
    code: str,
    detail: str,
    status: int | None = None,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem object with `status`, or else with the registry's status for the code."""
    status = status or CODES[code].status or HTTPStatus.INTERNAL_SERVER_ERROR
    body = Problem(
        code=code,
        detail=detail,
        status=status,
        title=HTTPStatus(status).phrase,
        errors=list(errors) if errors else None,
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, media_type="application/problem+json")


def status_of(error: ClipwiseError) -> int:
    """Return the registry's status for the code; where it has none, 503 for a TransientError, else 422."""
    if isinstance(error, BadRequest):
        return 400
    code = CODES.get(error.code)
    if code and code.status:
        return code.status
    return 503 if isinstance(error, TransientError) else 422


async def _handle_clipwise_error(request: Request, error: ClipwiseError) -> Response:
    return clipwise_error_response(request, error)


def clipwise_error_response(request: Request, error: ClipwiseError) -> Response:
    status = status_of(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    if error.code == RequestCode.TOO_LARGE and "content-length" not in request.headers:
        # The rest of the body may never end. If its length is known, the server discards the rest, so that the client
        # can read this response.
        headers["Connection"] = "close"
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE):
        headers["Retry-After"] = str(RETRY_AFTER_SEC)
        # What is wrong with the storage is in its message; a traceback for each request would fill a full disk.
        log.warning("answered with %s: %s", status, error, exc_info=not isinstance(error, StorageUnavailable))
    return problem(error.code, error.message, status, headers=headers)


async def _handle_not_found(request: Request, error: NotFound) -> Response:
    return problem("not_found", "This object does not exist or is not yours. Check the id.")


async def _handle_conflict(request: Request, error: Conflict) -> Response:
    busy = TransientError("busy", "Too many requests change this object at once. Send the request again.")
    return await _handle_clipwise_error(request, busy)


async def _handle_memory_error(request: Request, error: MemoryError) -> Response:
    message = "The server has no memory left for this request. Send it again later, or ask for less at once."
    return await _handle_clipwise_error(request, TransientError("busy", message))


async def _handle_invalid_request(request: Request, error: RequestValidationError) -> Response:
    return invalid_request_response(error)


def invalid_request_response(error: RequestValidationError, status: int | None = None) -> JSONResponse:
    field_errors = [_field_error(item) for item in error.errors()]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem("bad_json", "The request body is not valid JSON. Correct it and send it again.")
    hint = f" {len(field_errors) - 1} more in “errors”." if len(field_errors) > 1 else ""
    return problem("invalid_request", field_errors[0].message + hint, status, field_errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    path = list(item["loc"])
    if path and path[0] in ("body", "query", "path", "header"):
        path = path[1:]
    path = path or ["body"]
    name = _field_name(path)
    if item["type"] == "missing":
        message = f"{name} is missing. Add it."
    elif item["type"] == "extra_forbidden":
        message = f"{name} does not exist here. Remove it."
    elif item["type"] == "string_pattern_mismatch" and "0-9a-f" in item["ctx"]["pattern"]:
        message = f"{name} is not a valid id. Copy the id from a response of this server."
    else:
        reason = str(item["msg"]).removeprefix("Value error, ")
        message = f"{name} is invalid: {reason[:1].lower()}{reason[1:].rstrip('.')}."
    return FieldError(field=".".join(map(str, path)), message=message)


def _field_name(path: Sequence[str | int]) -> str:
    """Name a field for people, who count from 1: `The field “content” of item 2 of “messages”`."""
    names: list[str] = []
    for is_index, parts in groupby(path, key=lambda part: isinstance(part, int)):
        if is_index:
            names += [f"item {int(part) + 1}" for part in parts]
        else:
            names.append(f"“{'.'.join(map(str, parts))}”")
    name = " of ".join(reversed(names))
    return f"The field {name}" if name.startswith("“") else name.capitalize()


async def _handle_http_exception(request: Request, error: HTTPException) -> Response:
    match error.status_code:
        case HTTPStatus.BAD_REQUEST:
            return problem("bad_request", "The request body cannot be decoded. Send JSON that is encoded in UTF-8.")
        case HTTPStatus.NOT_FOUND:
            return problem("not_found", "This path does not exist. See /docs for all paths.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            if request.method == "OPTIONS" and "origin" in request.headers:
                return problem("method_not_allowed", ORIGIN_NOT_ALLOWED)
            detail = f"This path does not support {request.method}. See /docs for its methods."
            return problem("method_not_allowed", detail, headers={"Allow": ", ".join(allowed_methods(request))})
    status = HTTPStatus(error.status_code)
    return problem(status.name.lower(), str(error.detail), status, headers=error.headers)


def allowed_methods(request: Request) -> list[str]:
    """The methods that some route serves at the request's path, in alphabetical order."""
    methods = [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return sorted([*methods, "HEAD"]) if "GET" in methods else methods


async def _handle_disconnect(request: Request, error: ClientDisconnect) -> Response:
    log.info("the client disconnected in the middle of its request")
    return problem("disconnected", "The connection closed before the whole request arrived. Send the request again.")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Any]] = {
    ClipwiseError: _handle_clipwise_error,
    NotFound: _handle_not_found,
    Conflict: _handle_conflict,
    MemoryError: _handle_memory_error,
    RequestValidationError: _handle_invalid_request,
    HTTPException: _handle_http_exception,
    ClientDisconnect: _handle_disconnect,
}
