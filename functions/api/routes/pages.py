"""Pages for people."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import HTMLResponse

from functions.api.pages import page

router = APIRouter(tags=["service"])


@router.get(
    "/tasks",
    summary="Watch one's jobs",
    description="A page: all jobs of whoever signs in on it, live, with buttons to cancel them and to try them again.",
    response_class=HTMLResponse,
)
def tasks() -> Response:
    return page("tasks")
