"""Authentication of requests. Every route that serves a user's own data depends on `caller`."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from functions.api.rate_limits import count_user
from shared.errors import PermanentError
from shared.platform.identity import current_identity
from shared.platform.ports import User
from shared.settings import settings


def frontend_origins() -> list[str]:
    """Return the origins in FRONTEND_URL in the form browsers send: lower case, no trailing slash."""
    return [origin.strip().rstrip("/").lower() for origin in settings().frontend_url.split(",") if origin.strip()]


Verify = Callable[[str], User]
"""Returns the user of a bearer token; may block. Raises PermanentError `unauthenticated` or `unverified`."""
LOCAL = User("local")
_bearer = HTTPBearer(auto_error=False, description="Access token. Not required where AUTH_REQUIRED is false.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def verify_token(token: str) -> User:
    """Verify a token against the accounts, which are opened at the first token."""
    return current_identity().verify_token(token)


def caller(request: Request, credentials: Credentials) -> User:
    """Return the user who sent the request, and count it against their quota.

    Raises PermanentError `unauthenticated`, `unverified` or `foreign_page`, and RateLimited.
    """
    user = request_user(request, credentials)
    count_user(request, user.id)
    return user


def request_user(request: Request, credentials: HTTPAuthorizationCredentials | None) -> User:
    """Return the user of the token; without a token, the local user where sign-in is not required."""
    if credentials is not None:
        verify: Verify = request.app.state.verify
        return verify(credentials.credentials)
    if settings().auth_required:
        raise missing_token_error()
    refuse_foreign_pages(request)
    return LOCAL


def bearer_token(credentials: Credentials) -> str:
    """Return the token of the request, unverified; raises PermanentError `unauthenticated` without one."""
    if credentials is None:
        raise missing_token_error()
    return credentials.credentials


def missing_token_error() -> PermanentError:
    return PermanentError(
        "unauthenticated", "The request has no token. Sign in and send it as “Authorization: Bearer …”."
    )


def refuse_foreign_pages(request: Request) -> None:
    """Reject requests from unknown web pages where no sign-in is required: any open page could act as the user.

    A page is recognized by its Origin or, if its own name resolves to this server (DNS rebinding), by the Host.
    """
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    if not _is_own_host(host):
        raise PermanentError(
            "foreign_page", "Requests for this host name are rejected. Set PUBLIC_URL to the address that clients use."
        )
    own = (host, urlsplit(settings().public_url.lower()).netloc)
    if origin and origin not in frontend_origins() and origin.partition("://")[2] not in own:
        raise PermanentError("foreign_page", "This origin is not allowed. Add it to FRONTEND_URL.")


def _is_own_host(host: str) -> bool:
    """Return True for PUBLIC_URL's host, IP addresses, and names that public DNS cannot assign."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if "." not in name or name.endswith(".localhost") or name == urlsplit(settings().public_url).hostname:
            return True
        ip_address(name)
    except ValueError:
        return False
    return True


__all__ = ["LOCAL", "BearerToken", "Caller", "User", "Verify", "bearer_token", "caller", "verify_token"]
Caller = Annotated[User, Depends(caller)]
BearerToken = Annotated[str, Depends(bearer_token)]
