"""Replaces problem objects in responses to clients that expect errors in another form."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBLEM_TYPE = "application/problem+json"


class ProblemReplacement(ABC):
    """Middleware that sends another body for each problem object, with its status and its other headers."""

    content_type: str
    """Of the replacement; also sent in responses to HEAD, which have no body to replace."""
    vary: str | None = None
    """The request header that decides, if caches must know it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    @abstractmethod
    def applies_to(self, scope: Scope) -> bool:
        """Return True if the client of this request expects another form."""

    @abstractmethod
    def render(self, problem: dict[str, Any]) -> Response:
        """Return the body to send for a problem, with the headers that describe it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.applies_to(scope):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def send_replacement(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and is_problem(message):
                start = message
            elif not start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await self._send(start, body, send)

        await self.app(scope, receive, send_replacement)

    async def _send(self, start: Message, body: bytes, send: Send) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        if self.vary:
            headers.add_vary_header(self.vary)
        if body:
            response = self.render(json.loads(body))
            headers.update(response.headers)
            body = bytes(response.body)
        else:
            headers["Content-Type"] = self.content_type
            del headers["Content-Length"]
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})


def is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "") == PROBLEM_TYPE
