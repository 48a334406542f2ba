"""Account operations before sign-in, with throttled attempts. All of them block.

They raise the errors of `Identity`, and RateLimited.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import Scope

from functions.api.dependencies import PlaceDep
from functions.api.rate_limits import client_address, report_standing
from shared.platform import rate_limits as rates
from shared.platform.documents import compare_and_set
from shared.platform.identity import current_identity
from shared.platform.ports import Documents, User, UserSession
from shared.platform.rate_limits import RATES, RateLimit
from shared.settings import settings

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


def login_throttle(request: Request, place: PlaceDep) -> LoginThrottle:
    return LoginThrottle(request.scope, place.documents)


LoginThrottleDep = Annotated[LoginThrottle, Depends(login_throttle)]


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
