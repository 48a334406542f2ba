"""The composition root of accounts: apart from the platform's, since only the HTTP function knows people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from shared.platform.connect import platform
from shared.platform.ports import Identity
from shared.settings import settings

_accounts: list[Identity] = []


@lru_cache(maxsize=1)
def _identified() -> Identity:
    chosen = settings()
    if chosen.local_accounts:
        from shared.platform.embedded.accounts.identity import open_accounts

        return open_accounts(chosen)
    from shared.platform.gcp.firebase import open_firebase

    return open_firebase(chosen, platform().documents)


def identity() -> Identity:
    """The process's accounts, opened at first use."""
    return _accounts[-1] if _accounts else _identified()


def forget_identity() -> None:
    """Connect anew when it is asked for next, by the settings of then."""
    _identified.cache_clear()


@contextmanager
def use_identity(chosen: Identity) -> Iterator[None]:
    """Let all code of this process use `chosen` meanwhile."""
    _accounts.append(chosen)
    try:
        yield
    finally:
        _accounts.remove(chosen)
