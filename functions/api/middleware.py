"""Middleware for every request: security headers, and handling of unexpected errors."""

from __future__ import annotations

import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.problems import ORIGIN_NOT_ALLOWED, clipwise_error_response, problem
from shared.errors import PROGRAMMING_ERRORS, STORAGE_FULL, StorageUnavailable, is_disk_full, new_incident_id
from shared.logs import log_context

log = logging.getLogger(__name__)

SECRET_PARTS = re.compile(r"(/(?:feeds|shared)/)[^/]+")
SLASH_PATHS = ("/api/", "/upload-video/", "/videos/")
DEPRECATED_PARAMETERS = {
    b"group_id": b"groupId",
    b"video_id": b"videoId",
    b"line_length": b"lineLength",
    b"max_lines": b"maxLines",
}
"""Names that query parameters of `/v1` had before they were named like fields."""


class ErrorMiddleware:
    """Responds to unexpected errors, and adds security headers.

    Unexpected errors end here, because each layer further out would log the same traceback again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if is_disk_full(error) and not started:
                full = StorageUnavailable("storage_full", STORAGE_FULL)
                response = clipwise_error_response(Request(scope), full)
                await response(scope, receive, send_with_headers)
                return
            incident = new_incident_id()
            with log_context(incident=incident):
                # Tokens in paths open a group or a feed.
                log.exception("%s %s failed", scope["method"], SECRET_PARTS.sub(r"\1…", scope["path"]))
            # A response that has begun stays unfinished, which the server turns into a broken connection.
            if not started:
                await problem("internal", internal_error_message(error, incident))(scope, receive, send_with_headers)


def internal_error_message(error: Exception, incident: str) -> str:
    """Return the message for an unexpected error."""
    if isinstance(error, PROGRAMMING_ERRORS):
        return f"Clipwise has a bug (incident {incident}). Find the incident in the log, or report it."
    return (
        f"Clipwise failed unexpectedly (incident {incident}). "
        "Try again later. If that does not help, find the incident in the log, or report it."
    )


class HeadMiddleware:
    """Answers HEAD like GET, without the body (RFC 9110, 9.3.2). A stream ends after its first part.

    Install it innermost: what it raises to end a stream must not reach other middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Objects answer HEAD themselves, with the length of what they do not send.
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith("/storage/"):
            await self.app(scope, receive, send)
            return
        is_complete = False

        async def send_head(message: Message) -> None:
            nonlocal is_complete
            if is_complete:
                raise OSError("a response to HEAD has no body")
            await send(message if message["type"] == "http.response.start" else {"type": "http.response.body"})
            is_complete = message["type"] == "http.response.body"

        try:
            await self.app({**scope, "method": "GET"}, receive, send_head)
        except (ClientDisconnect, OSError):
            if not is_complete:
                raise


class TrailingSlashMiddleware:
    """Serves the paths of the earlier systems, of which many end in a slash, with and without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"].startswith(SLASH_PATHS):
            scope = {**scope, "path": scope["path"].removesuffix("/")}
        await self.app(scope, receive, send)


class ParameterNameMiddleware:
    """Accepts the deprecated names of query parameters on the native paths."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["query_string"] and scope["path"].startswith("/v1/"):
            pairs = [part.partition(b"=") for part in scope["query_string"].split(b"&")]
            renamed = [b"".join((DEPRECATED_PARAMETERS.get(name, name), *rest)) for name, *rest in pairs]
            scope = {**scope, "query_string": b"&".join(renamed)}
        await self.app(scope, receive, send)


class ApiCorsMiddleware(CORSMiddleware):
    def preflight_response(self, request_headers: Headers) -> Response:
        """As Starlette's, but an origin that is not allowed learns which setting allows it."""
        if not self.is_allowed_origin(request_headers["origin"]):
            return problem("method_not_allowed", ORIGIN_NOT_ALLOWED)
        return super().preflight_response(request_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Objects are mounted beside the API in the embedded place and decide for themselves, as Cloud Storage does.
        if scope["type"] == "http" and scope["path"].startswith("/storage/"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
