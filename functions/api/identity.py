"""Who is asking. The one seam for identity: every route of a user's own things depends on `caller`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from functions.api.origins import frontend_origins
from functions.api.throttle import count_user
from shared.errors import PermanentError
from shared.settings import settings


@dataclass(frozen=True)
class User:
    id: str


Verify = Callable[[str], User]
"""Whose bearer token this is; may block. Raises PermanentError `unauthenticated`."""

LOCAL = User("local")
_bearer = HTTPBearer(auto_error=False, description="Not needed where AUTH_REQUIRED is false.")


def no_accounts(token: str) -> User:
    """The verifier of a server that knows no accounts."""
    raise PermanentError("unauthenticated", "This server knows no accounts, so this token is not valid here.")


def caller(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> User:
    """The user who sent the request, which counts among theirs.

    Raises PermanentError `unauthenticated` or `foreign_page`, and RateLimited.
    """
    user = sender(request, credentials)
    count_user(request, user.id)
    return user


def sender(request: Request, credentials: HTTPAuthorizationCredentials | None) -> User:
    if not settings().auth_required:
        refuse_foreign_pages(request)
        return LOCAL
    if credentials is None:
        raise PermanentError("unauthenticated", "Sign in first, and send your token as “Authorization: Bearer …”.")
    verify: Verify = request.app.state.verify
    return verify(credentials.credentials)


def refuse_foreign_pages(request: Request) -> None:
    """Where nobody signs in, any web page that the user has open could act as the user: only known ones may.

    A page shows itself by its Origin, or, when its own name was made to lead here (DNS rebinding), by the Host.
    """
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    if not _own_name(host):
        raise PermanentError("foreign_page", "This server is not known by this name; set PUBLIC_URL if it should be.")
    own = (host, urlsplit(settings().public_url.lower()).netloc)
    if origin and origin not in frontend_origins() and origin.partition("://")[2] not in own:
        raise PermanentError(
            "foreign_page", "Pages of this origin may not do this; add it to FRONTEND_URL if they may."
        )


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


Caller = Annotated[User, Depends(caller)]
