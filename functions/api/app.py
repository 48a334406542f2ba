"""The HTTP application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from functions.api.compat import ask_video_auth as ask_auth
from functions.api.compat import ask_video_chat as ask_chat
from functions.api.compat import ask_video_groups as ask_groups
from functions.api.compat import ask_video_groups as ask_shared
from functions.api.compat import ask_video_library as ask_videos
from functions.api.compat import crawler, metadata, recipes, reels
from functions.api.identity import Verify, frontend_origins, verify_token
from functions.api.middleware import ApiCorsMiddleware, ErrorMiddleware, HeadMiddleware
from functions.api.openapi import build_openapi
from functions.api.problems import HANDLERS
from functions.api.rate_limits import RateLimitMiddleware
from functions.api.routes import auth, chat, dataset_images, datasets, groups, jobs, pages, videos, webhooks
from functions.api.routes import job_files as events
from functions.api.routes import job_files as export
from functions.api.routes import job_files as media
from functions.api.routes import jobs as kinds
from functions.api.routes import jobs as uploads
from functions.api.routes import pages as docs
from functions.api.routes import pages as service
from functions.api.routes import shared_groups as shared

NATIVE = (
    service,
    docs,
    pages,
    auth,
    kinds,
    jobs,
    uploads,
    events,
    media,
    export,
    videos,
    groups,
    shared,
    chat,
    datasets,
    dataset_images,
    webhooks,
)
COMPAT = (recipes, reels, metadata, crawler, ask_auth, ask_shared, ask_groups, ask_videos, ask_chat)
"""The paths of the earlier systems."""


class ApiApp(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = build_openapi(self)
        return self.openapi_schema


def create_app(verify: Verify = verify_token) -> FastAPI:
    """Create the API. It connects to nothing before the first request and needs no lifespan events.

    Args:
        verify: Returns the user of a bearer token; called for every token that is sent.
    """
    app = ApiApp(
        title="Clipwise",
        version="1",
        summary="Turns videos and image searches into structured data.",
        description=(
            "Errors are problem objects (RFC 9457) with a stable `code`. Lists come in pages: pass the `cursor` of a "
            "page to get the next one. Requests are rate limited; the headers `RateLimit` and `RateLimit-Policy` "
            "report the remaining quota. Paths with a tag `compat: …` exist for clients of earlier systems; new "
            "clients use the `/v1` paths."
        ),
        exception_handlers=HANDLERS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.verify = verify
    for routes in (*NATIVE, *COMPAT):
        app.include_router(routes.router)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RateLimitMiddleware)
    app.add_middleware(ErrorMiddleware)
    origins = frontend_origins()
    if origins:
        app.add_middleware(
            ApiCorsMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=["Content-Disposition", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"],
        )
    return app
