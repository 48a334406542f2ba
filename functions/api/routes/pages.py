"""HTML pages."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import HTMLResponse

from functions.api.pages import read_page

router = APIRouter(tags=["service"])


@router.get(
    "/tasks",
    summary="Open the jobs page",
    description=(
        "Returns an HTML page that shows the jobs of the signed-in user live, with buttons to cancel and retry them."
    ),
    response_class=HTMLResponse,
)
def tasks_page() -> Response:
    return read_page("tasks")
