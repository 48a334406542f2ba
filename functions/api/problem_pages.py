"""Errors as pages, for people whose browser opens an address of the API, such as an export's."""

from __future__ import annotations

import json
from html import escape

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.pages import html_response, prefers_html
from shared.settings import settings

PROBLEM_TYPE = "application/problem+json"
STYLE = """
:root { color-scheme: light dark; --ink: #1f1b18; --quiet: #625a53; --paper: #fbfaf8; --accent: #b93a0a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2eeea; --quiet: #b1a79e; --paper: #151311; --accent: #ff9d66; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.1rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; margin: 14vh auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; }
small { color: var(--quiet); }
a { color: var(--accent); }
"""


class ProblemPageMiddleware:
    """Replaces problem objects by pages in responses to clients that prefer HTML."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not prefers_html(Headers(scope=scope).get("accept", "")):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and is_problem(message):
                start = message
            elif not start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await send_problem_page(start, body, send)

        await self.app(scope, receive, send_page)


def is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "") == PROBLEM_TYPE


async def send_problem_page(start: Message, body: bytes, send: Send) -> None:
    """Send the page of a problem object, with the status and the other headers of the response."""
    headers = MutableHeaders(raw=list(start["headers"]))
    headers.add_vary_header("Accept")
    if body:
        page = problem_page(json.loads(body))
        headers.update(page.headers)
        body = bytes(page.body)
    else:  # the response to HEAD
        headers["Content-Type"] = "text/html; charset=utf-8"
        del headers["Content-Length"]
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})


def problem_page(problem: dict[str, str]) -> HTMLResponse:
    title, detail, code = (escape(str(problem[name])) for name in ("title", "detail", "code"))
    home = escape(settings().public_url.rstrip("/"))
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Clipwise</title><link rel="icon" href="{home}/web/icon.svg"><style>{STYLE}</style></head>
<body><main><h1>{title}</h1><p>{detail}</p><p><a href="{home}/">Open Clipwise</a></p>
<p><small>{problem["status"]} · {code}</small></p></main></body></html>
"""
    return html_response(html, {"img-src": "'self'"})
