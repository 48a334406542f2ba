"""Who is asking. The one seam for identity: every route of a user's own things depends on `caller`."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from functions.api.origins import frontend_origins
from functions.api.throttle import count_user
from shared.errors import PermanentError
from shared.platform.identity import identity
from shared.platform.ports import User
from shared.settings import settings

Verify = Callable[[str], User]
"""Whose bearer token this is; may block. Raises PermanentError `unauthenticated` or `unverified`."""

LOCAL = User("local")
_bearer = HTTPBearer(auto_error=False, description="Not needed where AUTH_REQUIRED is false.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def by_accounts(token: str) -> User:
    """The verifier of a server with accounts, which are opened at the first token."""
    return identity().verify(token)


def caller(request: Request, credentials: Credentials) -> User:
    """The user who sent the request, which counts among theirs.

    Raises PermanentError `unauthenticated`, `unverified` or `foreign_page`, and RateLimited.
    """
    user = sender(request, credentials)
    count_user(request, user.id)
    return user


def sender(request: Request, credentials: HTTPAuthorizationCredentials | None) -> User:
    """Whose token was sent; where nobody has to sign in and nobody did, the local user."""
    if credentials is not None:
        verify: Verify = request.app.state.verify
        return verify(credentials.credentials)
    if settings().auth_required:
        raise not_signed_in()
    refuse_foreign_pages(request)
    return LOCAL


def bearer_token(credentials: Credentials) -> str:
    """What was sent as a token, which nobody has looked at; raises PermanentError `unauthenticated` without one."""
    if credentials is None:
        raise not_signed_in()
    return credentials.credentials


def not_signed_in() -> PermanentError:
    return PermanentError(
        "unauthenticated", "The request has no token. Sign in and send it as “Authorization: Bearer …”."
    )


def refuse_foreign_pages(request: Request) -> None:
    """Where nobody signs in, any web page that the user has open could act as the user: only known ones may.

    A page shows itself by its Origin, or, when its own name was made to lead here (DNS rebinding), by the Host.
    """
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    if not _own_name(host):
        raise PermanentError(
            "foreign_page", "Requests for this host name are rejected. Set PUBLIC_URL to the address that clients use."
        )
    own = (host, urlsplit(settings().public_url.lower()).netloc)
    if origin and origin not in frontend_origins() and origin.partition("://")[2] not in own:
        raise PermanentError("foreign_page", "This origin is not allowed. Add it to FRONTEND_URL.")


def _own_name(host: str) -> bool:
    """Names that nobody outside can hand out, addresses, and our own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if "." not in name or name.endswith(".localhost") or name == urlsplit(settings().public_url).hostname:
            return True
        ip_address(name)
    except ValueError:
        return False
    return True


__all__ = ["LOCAL", "BearerToken", "Caller", "User", "Verify", "bearer_token", "by_accounts", "caller"]

Caller = Annotated[User, Depends(caller)]
BearerToken = Annotated[str, Depends(bearer_token)]
