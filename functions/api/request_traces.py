"""Outermost middleware: the span and trace of each request, and its line in the access log."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.logs import parse_traceparent
from shared.settings import settings
from shared.telemetry import spans

log = logging.getLogger(__name__)
ROUTES = "clipwise.routes"
"""Key of the scope: the templates of the paths that answered, such as `/v1/jobs/{job_id}`."""


class RequestTraceMiddleware:
    """Continues the trace of the request's header `traceparent`, or begins one where telemetry is on.

    Spans and lines name the route, never the path: that contains ids and the tokens of share links.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Google Cloud pauses the process after the response, so its end waits until the spans are sent.
        is_paused_after = spans.is_enabled() and settings().clipwise_place == "gcp"
        scope[ROUTES] = []
        began, status = time.monotonic(), 0
        last: Message | None = None

        async def observe(message: Message) -> None:
            nonlocal status, last
            if message["type"] == "http.response.start":
                status = message["status"]
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if is_last and is_paused_after:
                last = message
            else:
                await send(message)

        method = scope["method"]
        with spans.span(method, "server", {"http.request.method": method}, request_traceparent(scope)) as span:
            try:
                await self.app(scope, receive, observe)
            finally:
                route = next(iter(scope[ROUTES]), None)
                span.rename(f"{method} {route}" if route else method)
                span.set({"http.response.status_code": status} | ({"http.route": route} if route else {}))
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
                    span.mark_failed(str(status or "aborted"))
                if settings().access_log:
                    log_request(method, route, status, time.monotonic() - began)
        if last is not None:
            from shared.telemetry import otlp

            await to_thread.run_sync(otlp.flush)
            await send(last)


def request_traceparent(scope: Scope) -> str | None:
    """Return the request's W3C trace context, if it is valid."""
    traceparent = Headers(scope=scope).get("traceparent", "")
    return traceparent if parse_traceparent(traceparent) else None


class RouteMiddleware:
    """Records which route answers, for RequestTraceMiddleware: middleware between the two replaces the scope.

    Install it innermost.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            path = getattr(scope.get("route"), "path", None)
            if path and ROUTES in scope:
                scope[ROUTES].append(path)


def log_request(method: str, route: str | None, status: int, seconds: float) -> None:
    request = {"requestMethod": method, "status": status, "latency": f"{seconds:.3f}s"}
    if route:
        request["requestUrl"] = route
    log.info("%s %s %s %.0f ms", method, route or "-", status, seconds * 1000, extra={"http_request": request})
