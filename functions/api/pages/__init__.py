"""HTML pages that load nothing from other servers."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse

_INLINE = re.compile(r"<(script|style)[^>]*>(.*?)</\1>", re.DOTALL)
BASE_POLICY = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@cache
def read_page(name: str) -> HTMLResponse:
    """Return a page that consists of one file."""
    html = (Path(__file__).parent / f"{name}.html").read_text(encoding="utf-8")
    return html_response(html, {"img-src": "data:", "require-trusted-types-for": "'script'"})


def html_response(html: str, directives: dict[str, str]) -> HTMLResponse:
    """Return a page with a policy that allows its own scripts and styles by their hashes (CSP level 3, 2.3.1), and
    otherwise only what `directives` allow."""
    policy = BASE_POLICY | directives
    for element, text in _INLINE.findall(html):
        name = f"{element}-src"
        # A hash beside it would take its effect away.
        if text and "'unsafe-inline'" not in policy.get(name, ""):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            policy[name] = f"{policy.get(name, '')} 'sha256-{digest}'".strip()
    header = "; ".join(f"{name} {value}" for name, value in policy.items())
    return HTMLResponse(html, headers={"Content-Security-Policy": header, "Referrer-Policy": "no-referrer"})
