"""Errors as clients get them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from shared.error_codes.registry import CODES


def problem(code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem object with the registry's status: a code for machines, a sentence for people."""
    status = CODES[code].status or HTTPStatus.INTERNAL_SERVER_ERROR
    return JSONResponse({"code": code, "detail": detail}, status, headers, media_type="application/problem+json")
