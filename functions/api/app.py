"""The HTTP application: its routes and middleware."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from functions.api.identity import Verify, frontend_origins, verify_token
from functions.api.middleware import (
    ApiCorsMiddleware,
    ErrorMiddleware,
    HeadMiddleware,
    ParameterNameMiddleware,
    TrailingSlashMiddleware,
)
from functions.api.openai_errors import OpenAIErrorMiddleware
from functions.api.problem_pages import ProblemPageMiddleware
from functions.api.problems import HANDLERS
from functions.api.rate_limits import RateLimitMiddleware
from functions.api.request_traces import RequestTraceMiddleware, RouteMiddleware
from functions.api.routers import ROUTER_GROUPS, RouterGroup

log = logging.getLogger(__name__)


class ApiApp(FastAPI):
    """Loads the routers of a path when it is first requested."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._loaded: dict[int, list[BaseRoute]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not any(ROUTER_GROUPS[number].covers(scope["path"]) for number in self._loaded):
            self._load_routers(lambda group: group.covers(scope["path"]))
        await super().__call__(scope, receive, send)

    def _load_routers(self, is_wanted: Callable[[RouterGroup], bool]) -> None:
        for number, group in enumerate(ROUTER_GROUPS):
            if number not in self._loaded and is_wanted(group):
                start = len(self.routes)
                for router in group.load():
                    self.include_router(router)
                self._loaded[number] = self.routes[start:]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            from functions.api.openapi import build_openapi

            self._load_routers(lambda group: True)
            # Whichever was requested first, the document has the order of the groups.
            routes = [route for number in sorted(self._loaded) for route in self._loaded[number]]
            self.openapi_schema = build_openapi(self, routes)
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
    app.add_middleware(RouteMiddleware)
    app.add_middleware(TrailingSlashMiddleware)
    app.add_middleware(ParameterNameMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RateLimitMiddleware)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(OpenAIErrorMiddleware)
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
    app.add_middleware(RequestTraceMiddleware)
    return app
