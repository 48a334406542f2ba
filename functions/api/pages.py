"""Pages for people: who gets them, their content security policy, and the addresses of resources."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from shared.settings import settings

BASE_POLICY = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_INLINE = re.compile(r"<(script|style)[^>]*>(.*?)</\1>", re.DOTALL)


def prefers_html(accept: str) -> bool:
    """Return True if the first media type of an Accept header is HTML, as in every browser's page requests."""
    return accept.partition(",")[0].partition(";")[0].strip().lower() == "text/html"


def location_header(path: str) -> dict[str, str]:
    """Return the header that names a new resource, below the path of PUBLIC_URL, under which a proxy may serve us."""
    return {"Location": urlsplit(settings().public_url).path.rstrip("/") + path}


def html_response(html: str, directives: dict[str, str]) -> HTMLResponse:
    """Return a page with a content security policy of `BASE_POLICY` and `directives`.

    The policy allows the page's own scripts and styles by their hashes (CSP level 3, 2.3.1).
    """
    policy = BASE_POLICY | directives
    for element, text in _INLINE.findall(html):
        name = f"{element}-src"
        # A hash would disable 'unsafe-inline' in the same directive.
        if text and "'unsafe-inline'" not in policy.get(name, ""):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            policy[name] = f"{policy.get(name, '')} 'sha256-{digest}'".strip()
    header = "; ".join(f"{name} {value}" for name, value in policy.items())
    return HTMLResponse(html, headers={"Content-Security-Policy": header, "Referrer-Policy": "no-referrer"})
