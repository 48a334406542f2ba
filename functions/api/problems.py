"""Errors as clients get them: problem objects (RFC 9457) that always have a `code` and a `detail`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shared.errors import ClipwiseError, Conflict, NotFound, PermanentError, TransientError
from shared.pipeline.lifecycle import JobProblem
from shared.platform.rates import RateLimited

log = logging.getLogger(__name__)

# Codes whose status does not follow from their class; see `status_of`.
STATUSES = {
    "bad_form": 400,
    "bad_json": 400,
    "budget_exceeded": 402,
    "foreign_page": 403,
    "login_again": 403,
    "no_recipe": 409,
    "no_transcript": 409,
    "not_configured": 501,
    "not_done": 409,
    "not_offered": 403,
    "provider_key_invalid": 502,
    "provider_key_missing": 502,
    "provider_request_invalid": 502,
    "rate_limited": 429,
    "token_invalid": 400,
    "too_large": 413,
    "unauthenticated": 401,
    "unsupported_body": 415,
    "unsupported_media": 415,
    "unverified": 403,
    "username_taken": 409,
    "wrong_credentials": 401,
    "wrong_password": 403,
}
RETRY_AFTER_SEC = 5


class BadRequest(PermanentError):
    """Answered with 400, whatever its code."""


class FieldError(BaseModel):
    field: str = Field(description="Dotted path, e.g. `options.size`.")
    message: str


class Problem(BaseModel):
    code: str = Field(description="For machines; stable.", examples=["unknown_kind"])
    detail: str = Field(
        description="For people: what is wrong and what to do.",
        examples=["There is no kind 'poem'; choose one of: metadata, recipe."],
    )
    status: int = Field(examples=[422])
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    errors: list[FieldError] | None = Field(None, description="Only with `invalid_request`: every field at fault.")


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = Problem(
        code=code,
        detail=detail,
        status=status,
        title=HTTPStatus(status).phrase,
        errors=list(errors) if errors else None,
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, media_type="application/problem+json")


def status_of(error: ClipwiseError) -> int:
    if isinstance(error, BadRequest):
        return 400
    if error.code in STATUSES:
        return STATUSES[error.code]
    if isinstance(error, JobProblem):
        return 409
    return 422 if isinstance(error, PermanentError) else 503


async def _known(request: Request, error: ClipwiseError) -> Response:
    status = status_of(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    if error.code == "too_large" and "content-length" not in request.headers:
        # The rest may never end. Of a body with a length the server discards the rest, so that the client is able to
        # read this answer.
        headers["Connection"] = "close"
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SEC)
        log.warning("answered with 503", exc_info=error)
    return problem(status, error.code, error.message, headers=headers)


async def _not_found(request: Request, error: NotFound) -> Response:
    return problem(404, "not_found", "There is nothing here, or it is not yours.")


async def _conflict(request: Request, error: Conflict) -> Response:
    return await _known(request, TransientError("busy", "Too many requests change this at once; try again."))


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    return wrong_request(error, 422)


def wrong_request(error: RequestValidationError, status: int) -> JSONResponse:
    found = [_field_error(item) for item in error.errors()]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem(400, "bad_json", "The body is not valid JSON.")
    more = f" {len(found) - 1} more under “errors”." if len(found) > 1 else ""
    return problem(status, "invalid_request", found[0].message + more, found)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    path = [str(part) for part in item["loc"]]
    if path and path[0] in ("body", "query", "path", "header"):
        path = path[1:]
    field = ".".join(path) or "body"
    if item["type"] == "missing":
        message = f"The field “{field}” is missing."
    elif item["type"] == "extra_forbidden":
        message = f"There is no field “{field}” here."
    else:
        reason = str(item["msg"]).removeprefix("Value error, ")
        message = f"The field “{field}” is not right: {reason[:1].lower()}{reason[1:].rstrip('.')}."
    return FieldError(field=field, message=message)


async def _framework(request: Request, error: HTTPException) -> Response:
    sentences = {
        404: "There is nothing at this address; see /docs.",
        405: f"{request.method} is not possible here; see /docs.",
    }
    status = HTTPStatus(error.status_code)
    detail = sentences.get(status, str(error.detail))
    return problem(status, status.name.lower(), detail, headers=error.headers)


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    log.info("the client went away in the middle of its request")
    return problem(400, "disconnected", "The request broke off before its end; send it again.")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Any]] = {
    ClipwiseError: _known,
    NotFound: _not_found,
    Conflict: _conflict,
    RequestValidationError: _invalid,
    HTTPException: _framework,
    ClientDisconnect: _gone,
}
