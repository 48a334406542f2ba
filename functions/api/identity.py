"""The user of a request, and account operations before sign-in with throttled attempts.

Every route that serves a user's own data depends on `Caller`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from functions.api.rate_limits import client_address, count_user, report_standing
from functions.api.scopes import check_scope, session_required_error
from shared.api_key_format import is_api_key
from shared.errors import PermanentError
from shared.library.api_keys import authenticate_api_key, key_invalid_error
from shared.platform import rate_limits as rates
from shared.platform.accounts import User, UserSession
from shared.platform.documents import compare_and_set
from shared.platform.identity import current_identity
from shared.platform.place import current_place
from shared.platform.ports import Documents
from shared.platform.rate_limits import RATES, RateLimit
from shared.settings import settings

Verify = Callable[[str], User]
"""Returns the user of a bearer token; may block. Raises PermanentError `unauthenticated` or `unverified`."""
LOCAL = User("local")
PROXY_HEADERS = frozenset({"forwarded", "via", "x-forwarded-for", "x-real-ip"})
_bearer = HTTPBearer(
    auto_error=False, description="Access token or API key. Not required where AUTH_REQUIRED is false."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]

SIGN_IN, SIGN_UP, MAIL, TOKEN, ANONYMOUS = "sign-in", "sign-up", "mail", "mail-token", "anonymous"
QUARTER, HOUR = 15 * 60, 60 * 60
PER_ACCOUNT = {SIGN_IN: RateLimit(10, QUARTER), MAIL: RateLimit(5, HOUR)}
PER_ADDRESS = {
    SIGN_IN: RateLimit(50, QUARTER),
    SIGN_UP: RateLimit(20, HOUR),
    MAIL: RateLimit(20, HOUR),
    TOKEN: RateLimit(50, QUARTER),
    ANONYMOUS: RateLimit(30, HOUR),
}


def caller(request: Request, credentials: Credentials) -> User:
    """Return the user who sent the request, and count it against their quota.

    Raises PermanentError `unauthenticated`, `unverified` or `foreign_page`, the errors of `key_user`, and RateLimited.
    """
    user = request_user(request, credentials)
    count_user(request, user)
    if user.key is not None:
        check_scope(request, user.key)
    return user


def request_user(request: Request, credentials: HTTPAuthorizationCredentials | None) -> User:
    """Return the user of the token or key; without one, the local user where sign-in is not required."""
    if credentials is not None and is_api_key(credentials.credentials):
        return key_user(credentials.credentials)
    if credentials is not None:
        verify: Verify = request.app.state.verify
        return verify(credentials.credentials)
    if settings().auth_required:
        raise missing_token_error()
    refuse_foreign_pages(request)
    return LOCAL


def key_user(text: str) -> User:
    """Return the owner of an API key; raises PermanentError `key_invalid`, `key_expired`."""
    key = authenticate_api_key(current_place().documents, text)
    if key.owner == LOCAL.id and settings().auth_required:
        # It was created when nobody had to sign in.
        raise key_invalid_error()
    return User(key.owner, key=key)


def is_admin(request: Request, user: User) -> bool:
    """Return True for a user of ADMINS, for a token that claims so, and for the local user at the server's machine.

    An API key never makes its user an administrator.
    """
    if user == LOCAL:
        return is_local_connection(request.scope)
    admins = {address.strip().casefold() for address in settings().admins.split(",")} - {""}
    return user.admin or (user.verified and (user.email or "").casefold() in admins)


def is_local_connection(scope: Scope) -> bool:
    """Return True if the client is a program on this machine, and not a proxy, which adds one of PROXY_HEADERS."""
    headers = Headers(scope=scope)
    try:
        return ip_address((scope.get("client") or ("", 0))[0]).is_loopback and not PROXY_HEADERS & set(headers.keys())
    except ValueError:
        return False


async def require_admin(request: Request, user: Caller) -> User:
    """Return the caller; raises PermanentError `not_admin` unless they are an administrator."""
    if not is_admin(request, user):
        raise PermanentError(
            "not_admin", "Only administrators can do this. Add the verified e-mail address of the account to ADMINS."
        )
    return user


def verify_token(token: str) -> User:
    """Verify a token against the accounts, which are opened at the first token."""
    return current_identity().verify_token(token)


async def bearer_token(credentials: Credentials) -> str:
    """Return the access token of the request, unverified.

    Raises PermanentError `unauthenticated` without one, `session_required` for an API key.
    """
    if credentials is None:
        raise missing_token_error()
    if is_api_key(credentials.credentials):
        raise session_required_error()
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
    if not _is_own_host(host):
        raise PermanentError(
            "foreign_page", "Requests for this host name are rejected. Set PUBLIC_URL to the address that clients use."
        )
    refuse_foreign_origin(request)


def refuse_foreign_origin(request: Request) -> None:
    """Reject requests of web pages from unknown origins."""
    if request.headers.get("origin") and page_origin(request) is None:
        raise PermanentError("foreign_page", "This origin is not allowed. Add it to FRONTEND_URL.")


def page_origin(request: Request) -> str | None:
    """Return the Origin of the request if it is one of FRONTEND_URL, or that of the console; else None."""
    origin = request.headers.get("origin", "").lower()
    own = (request.headers.get("host", "").lower(), urlsplit(settings().public_url.lower()).netloc)
    return origin if origin in frontend_origins() or origin.partition("://")[2] in own else None


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


def frontend_origins() -> list[str]:
    """Return the origins in FRONTEND_URL in the form browsers send: lower case, no trailing slash."""
    return [origin.strip().rstrip("/").lower() for origin in settings().frontend_url.split(",") if origin.strip()]


Caller = Annotated[User, Depends(caller)]
Admin = Annotated[User, Depends(require_admin)]
BearerToken = Annotated[str, Depends(bearer_token)]


class LoginThrottle:
    """Counts the attempts of one request. All methods block, and raise RateLimited when the limit is reached."""

    def __init__(self, scope: Scope, documents: Documents) -> None:
        self._scope = scope
        self._documents = documents

    def count_attempt(self, policy: str, account: str | None = None) -> list[tuple[str, RateLimit]]:
        """Count one attempt for the client address, and for the account by its name or email address."""
        limits = list(self._limits(policy, account))
        for client, limit in limits:
            report_standing(self._scope, rates.count_request(self._documents, policy, client, limit)).raise_if_limited()
        return limits

    @contextmanager
    def sign_in_attempt(self, account: str) -> Iterator[None]:
        """Count the attempt before it is made, so that concurrent ones count too; a successful one is uncounted."""
        limits = self.count_attempt(SIGN_IN, account)
        windows = [rates.current_window(limit)[0] for _, limit in limits]
        yield
        for (client, _), start in zip(limits, windows, strict=True):
            compare_and_set(self._documents, RATES, rates.counter_id(SIGN_IN, client, start), _uncount)

    def _limits(self, policy: str, account: str | None) -> Iterator[tuple[str, RateLimit]]:
        factor = settings().rate_limit_address_factor
        if factor:
            yield f"address {client_address(self._scope)}", PER_ADDRESS[policy].multiply(factor)
        if account is not None:
            yield f"account {account.strip().casefold()}", PER_ACCOUNT[policy]


def _uncount(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return data | {"count": max(0, data["count"] - 1)} if data else None


# Account operations before sign-in. They block, and raise the errors of `Identity` and RateLimited.


def sign_up(throttle: LoginThrottle, username: str, email: str, password: str) -> None:
    throttle.count_attempt(SIGN_UP)
    throttle.count_attempt(MAIL, email)
    current_identity().sign_up(username, email, password)


def verify_email(throttle: LoginThrottle, token: str) -> User:
    throttle.count_attempt(TOKEN)
    return current_identity().verify_email(token)


def log_in(throttle: LoginThrottle, name: str, password: str) -> UserSession:
    with throttle.sign_in_attempt(name):
        return current_identity().log_in(name, password)


def request_password_reset(throttle: LoginThrottle, email: str) -> None:
    throttle.count_attempt(MAIL, email)
    current_identity().request_password_reset(email)


def confirm_password_reset(throttle: LoginThrottle, token: str, password: str) -> None:
    throttle.count_attempt(TOKEN)
    current_identity().confirm_password_reset(token, password)
