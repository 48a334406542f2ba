"""Web origins that may call the API from a browser."""

from __future__ import annotations

from shared.settings import settings


def frontend_origins() -> list[str]:
    """Return the origins in FRONTEND_URL in the form browsers send: lower case, no trailing slash."""
    return [origin.strip().rstrip("/").lower() for origin in settings().frontend_url.split(",") if origin.strip()]
