"""The service itself: liveness, kinds of analysis and the interactive documentation.

Pages load nothing from other servers, so they work offline.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import fastapi_offline
from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse

from functions.api.pages import html_response
from functions.api.schemas import Health, KindInfo, KindList
from shared.analyses.kinds import kinds

router = APIRouter()

# Swagger UI and Redoc create styles while they run.
DOCS_POLICY = {
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "worker-src": "blob:",
}
# Relative, like the links in the pages, since not every host serves the API at its root.
DOCS_ASSETS = "docs/assets"
ICON = "web/icon.svg"
OPENAPI_DOCUMENT = "openapi.json"
ASSETS_FOLDER = Path(fastapi_offline.__file__).parent / "static"
CACHE_HEADERS = {"Cache-Control": "public, max-age=86400"}
REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"


@router.get(
    "/healthz",
    tags=["service"],
    summary="Liveness check",
    description="Returns 200 as long as the process can answer requests. It does not check other services.",
)
def health() -> Health:
    return Health(status="ok")


@router.get(
    "/v1/kinds",
    tags=["kinds"],
    summary="List analysis kinds",
    description="Returns all kinds of analysis, with their stages and the JSON Schema of their results.",
)
def list_kinds() -> KindList:
    return KindList(
        kinds=[
            KindInfo(
                name=kind.name,
                does=kind.does,
                stages=list(kind.stages),
                needs_video=kind.needs_video,
                result=kind.schema.model_json_schema(mode="serialization"),
            )
            for kind in kinds().values()
        ]
    )


@router.get(
    "/tasks",
    tags=["service"],
    summary="Open the operations page",
    description="Redirects (307) to the console's operations page, which shows jobs, failures, durations and costs.",
    status_code=307,
    response_class=RedirectResponse,
)
def tasks_page() -> RedirectResponse:
    return RedirectResponse("./#/operations")


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=OPENAPI_DOCUMENT,
        title=request.app.title,
        swagger_js_url=f"{DOCS_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{DOCS_ASSETS}/swagger-ui.css",
        swagger_favicon_url=ICON,
        # Otherwise the page sends the document's address to validator.swagger.io.
        swagger_ui_parameters={"validatorUrl": None},
    )
    return docs_response(page)


@router.get("/redoc", include_in_schema=False)
def redoc(request: Request) -> HTMLResponse:
    page = get_redoc_html(
        openapi_url=OPENAPI_DOCUMENT,
        title=request.app.title,
        redoc_js_url=f"{DOCS_ASSETS}/redoc.standalone.js",
        redoc_favicon_url=ICON,
        with_google_fonts=False,
    )
    return docs_response(page)


def docs_response(page: HTMLResponse) -> HTMLResponse:
    """Return FastAPI's page with a policy, and with its language for screen readers."""
    html = bytes(page.body).decode().replace("<html>", '<html lang="en">', 1)
    return html_response(html, DOCS_POLICY)


@router.get("/docs/assets/{name}", include_in_schema=False)
def docs_asset(
    name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"],
) -> Response:
    if name == "redoc.standalone.js":
        return Response(redoc_script(), media_type="text/javascript", headers=CACHE_HEADERS)
    return FileResponse(ASSETS_FOLDER / name, headers=CACHE_HEADERS)


@cache
def redoc_script() -> bytes:
    """Return Redoc without the address of its logo, which the page would load from another server."""
    return (ASSETS_FOLDER / "redoc.standalone.js").read_bytes().replace(REDOC_LOGO, b"data:,")
