"""The HTTP application: its routes and middleware."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI

from functions.api.compat import (
    ask_video_auth,
    ask_video_chat,
    ask_video_groups,
    ask_video_library,
    crawler,
    metadata,
    recipes,
    reels,
)
from functions.api.identity import Verify, frontend_origins, verify_token
from functions.api.middleware import (
    ApiCorsMiddleware,
    ErrorMiddleware,
    HeadMiddleware,
    ParameterNameMiddleware,
    TrailingSlashMiddleware,
)
from functions.api.openapi import build_openapi
from functions.api.problem_pages import ProblemPageMiddleware
from functions.api.problems import HANDLERS
from functions.api.rate_limits import RateLimitMiddleware
from functions.api.routes import (
    auth,
    chat,
    console,
    dataset_images,
    datasets,
    groups,
    jobs,
    operations,
    search,
    service,
    shared_groups,
    statistics,
    videos,
    webhooks,
)

log = logging.getLogger(__name__)

NATIVE_ROUTERS = (
    service.router,
    console.router,
    auth.router,
    jobs.router,
    videos.router,
    groups.router,
    shared_groups.router,
    chat.router,
    search.router,
    datasets.router,
    dataset_images.router,
    webhooks.router,
    operations.router,
    statistics.router,
)
COMPAT_ROUTERS = (
    recipes.router,
    reels.router,
    metadata.router,
    crawler.router,
    ask_video_auth.router,
    ask_video_groups.shared_router,
    ask_video_groups.router,
    ask_video_library.router,
    ask_video_chat.router,
)
"""The paths of the earlier systems. `shared_router` precedes the paths with a group's id in place of `shared`."""


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
    for router in (*NATIVE_ROUTERS, *COMPAT_ROUTERS):
        app.include_router(router)
    app.add_middleware(TrailingSlashMiddleware)
    app.add_middleware(ParameterNameMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RateLimitMiddleware)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(ProblemPageMiddleware)
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
