"""Throttles attempts with credentials, by account and by client address.

All instances count in the same documents. Nothing here depends on whether the account exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import Scope

from functions.api.address import client_address
from functions.api.throttle import report_standing
from shared.platform import rates
from shared.platform.cas import compare_and_set
from shared.platform.ports import Documents
from shared.platform.rates import RATES, Allowance
from shared.settings import settings

SIGN_IN, SIGN_UP, MAIL, TOKEN, ANONYMOUS = "sign-in", "sign-up", "mail", "mail-token", "anonymous"
QUARTER, HOUR = 15 * 60, 60 * 60

PER_ACCOUNT = {SIGN_IN: Allowance(10, QUARTER), MAIL: Allowance(5, HOUR)}
PER_ADDRESS = {
    SIGN_IN: Allowance(50, QUARTER),
    SIGN_UP: Allowance(20, HOUR),
    MAIL: Allowance(20, HOUR),
    TOKEN: Allowance(50, QUARTER),
    ANONYMOUS: Allowance(30, HOUR),
}


class LoginThrottle:
    """Counts the attempts of one request. All methods block, and raise RateLimited when the limit is reached."""

    def __init__(self, scope: Scope, documents: Documents) -> None:
        self._scope = scope
        self._documents = documents

    def count_attempt(self, policy: str, account: str | None = None) -> list[tuple[str, Allowance]]:
        """Count one attempt for the client address, and for the account by its name or email address."""
        limits = list(self._limits(policy, account))
        for client, limit in limits:
            report_standing(self._scope, rates.count(self._documents, policy, client, limit)).require()
        return limits

    @contextmanager
    def sign_in_attempt(self, account: str) -> Iterator[None]:
        """Count the attempt before it is made, so that concurrent ones count too; a successful one is uncounted."""
        limits = self.count_attempt(SIGN_IN, account)
        windows = [rates.window(limit)[0] for _, limit in limits]
        yield
        for (client, _), start in zip(limits, windows, strict=True):
            compare_and_set(self._documents, RATES, rates.count_id(SIGN_IN, client, start), _uncount)

    def _limits(self, policy: str, account: str | None) -> Iterator[tuple[str, Allowance]]:
        factor = settings().rate_limit_address_factor
        if factor:
            yield f"address {client_address(self._scope)}", PER_ADDRESS[policy].times(factor)
        if account is not None:
            yield f"account {account.strip().casefold()}", PER_ACCOUNT[policy]


def _uncount(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return data | {"count": max(0, data["count"] - 1)} if data else None
