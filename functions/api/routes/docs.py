"""The interactive documentation. It serves its own scripts, so it works offline and contacts no other server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import fastapi_offline
from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse

from functions.api.pages import html_response

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
