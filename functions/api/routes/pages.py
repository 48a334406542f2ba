"""HTML pages."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Literal

import fastapi_offline
from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse

from functions.api.schemas import Health, MessageResponse

_INLINE = re.compile(r"<(script|style)[^>]*>(.*?)</\1>", re.DOTALL)
BASE_POLICY = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@cache
def read_page(name: str) -> HTMLResponse:
    """Return a page that consists of one file."""
    html = (Path(__file__).parent / f"{name}.html").read_text(encoding="utf-8")
    return html_response(html, {"img-src": "data:", "require-trusted-types-for": "'script'"})


def html_response(html: str, directives: dict[str, str]) -> HTMLResponse:
    """Return a page with a policy that allows its own scripts and styles by their hashes (CSP level 3, 2.3.1), and
    otherwise only what `directives` allow."""
    policy = BASE_POLICY | directives
    for element, text in _INLINE.findall(html):
        name = f"{element}-src"
        # A hash beside it would take its effect away.
        if text and "'unsafe-inline'" not in policy.get(name, ""):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            policy[name] = f"{policy.get(name, '')} 'sha256-{digest}'".strip()
    header = "; ".join(f"{name} {value}" for name, value in policy.items())
    return HTMLResponse(html, headers={"Content-Security-Policy": header, "Referrer-Policy": "no-referrer"})


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


# Relative, as the links in the pages are, since not every host serves the API at its root.
ASSETS = "docs/assets"
DOCUMENT = "openapi.json"
FOLDER = Path(fastapi_offline.__file__).parent / "static"
# Both make styles of their own as they run.
ASSET_POLICY = {
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "worker-src": "blob:",
}
CACHE_HEADERS = {"Cache-Control": "public, max-age=86400"}
router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title=request.app.title,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    return html_response(bytes(page.body).decode(), ASSET_POLICY)


@router.get("/redoc")
def redoc(request: Request) -> HTMLResponse:
    page = get_redoc_html(
        openapi_url=DOCUMENT,
        title=request.app.title,
        redoc_js_url=f"{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{ASSETS}/favicon.png",
        with_google_fonts=False,
    )
    return html_response(bytes(page.body).decode(), ASSET_POLICY)


@router.get("/docs/assets/{name}")
def docs_asset(
    name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png"],
) -> FileResponse:
    return FileResponse(FOLDER / name, headers=CACHE_HEADERS)


router = APIRouter(tags=["service"])


@router.get("/", summary="Get a welcome message", description="Returns a message that the service is running.")
def greet() -> MessageResponse:
    return MessageResponse(message="Clipwise is running. See /docs for the API.")


@router.get(
    "/healthz",
    summary="Liveness check",
    description="Returns 200 as long as the process can answer requests. It does not check other services.",
)
def health() -> Health:
    return Health(status="ok")
