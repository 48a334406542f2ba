"""Errors as clients get them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem object: a code for machines, a sentence for people."""
    return JSONResponse({"code": code, "detail": detail}, status, headers, media_type="application/problem+json")
