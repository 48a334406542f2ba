"""Errors as pages, for people whose browser opens an address of the API, such as an export's."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from functions.api.pages import html_response, prefers_html
from functions.api.problem_replacement import ProblemReplacement
from shared.settings import settings

STYLE = """
:root { color-scheme: light dark; --ink: #1f1b18; --quiet: #625a53; --paper: #fbfaf8; --accent: #b93a0a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2eeea; --quiet: #b1a79e; --paper: #151311; --accent: #ff9d66; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.1rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; margin: 14vh auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; }
small { color: var(--quiet); }
a { color: var(--accent); }
"""


class ProblemPageMiddleware(ProblemReplacement):
    """Replaces problem objects by pages in responses to clients that prefer HTML."""

    content_type = "text/html; charset=utf-8"
    vary = "Accept"

    def applies_to(self, scope: Scope) -> bool:
        return prefers_html(Headers(scope=scope).get("accept", ""))

    def render(self, problem: dict[str, Any]) -> Response:
        return problem_page(problem)


def problem_page(problem: dict[str, Any]) -> HTMLResponse:
    title, detail, code = (escape(str(problem[name])) for name in ("title", "detail", "code"))
    home = escape(settings().public_url.rstrip("/"))
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Clipwise</title><link rel="icon" href="{home}/web/icon.svg"><style>{STYLE}</style></head>
<body><main><h1>{title}</h1><p>{detail}</p><p><a href="{home}/">Open Clipwise</a></p>
<p><small>{problem["status"]} · {code}</small></p></main></body></html>
"""
    return html_response(html, {"img-src": "'self'"})
