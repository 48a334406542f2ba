"""Errors of the OpenAI-compatible paths, in the form that OpenAI's SDKs read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from functions.api.problem_replacement import PROBLEM_TYPE, ProblemReplacement

PREFIX = "/v1/openai/"
TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


class OpenAIErrorDetails(BaseModel):
    message: str = Field(description="What happened and what to do, for people.")
    type: str = Field(description="Class of the error, by its status.", examples=["invalid_request_error"])
    param: str | None = Field(description="Path of the first invalid field, if the request has one.")
    code: str = Field(description="Stable, machine-readable error code.", examples=["unknown_model"])


class OpenAIError(BaseModel):
    """An error in OpenAI's form."""

    error: OpenAIErrorDetails = Field(description="The error.")


class OpenAIErrorMiddleware(ProblemReplacement):
    content_type = "application/json"

    def applies_to(self, scope: Scope) -> bool:
        return str(scope["path"]).startswith(PREFIX)

    def render(self, problem: dict[str, Any]) -> Response:
        fields = [str(error["field"]) for error in problem.get("errors", ())]
        return JSONResponse(
            openai_error(problem["code"], problem["detail"], problem["status"], next(iter(fields), None))
        )


def openai_error(code: str, message: str, status: int, param: str | None = None) -> dict[str, Any]:
    """Return the body of an error with this status."""
    default = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    kind = TYPES.get(HTTPStatus(status), default)
    return OpenAIError(error=OpenAIErrorDetails(message=message, type=kind, param=param, code=code)).model_dump()


def describe_errors(responses: dict[str, Any], ref: str) -> None:
    """Describe the problem objects among these OpenAPI responses as what the middleware makes of them."""
    content = {"application/json": {"schema": {"$ref": ref}}}
    for status, response in responses.items():
        if PROBLEM_TYPE in response.get("content", {}):
            # The operations share these objects.
            responses[status] = response | {"content": content}
