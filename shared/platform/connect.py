"""The composition root: which adapters this process uses. Built at first use, once; tests put their own in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from shared.platform.ports import Identity, Platform
from shared.settings import settings

_override: list[Platform] = []
_accounts: list[Identity] = []


@lru_cache(maxsize=1)
def _connected() -> Platform:
    chosen = settings()
    if chosen.clipwise_place == "embedded":
        from shared.platform.embedded.place import open_embedded

        return open_embedded(chosen).platform
    from shared.platform.gcp.place import open_gcp

    return open_gcp(chosen)


def platform() -> Platform:
    """The process's platform."""
    return _override[-1] if _override else _connected()


@contextmanager
def use_platform(chosen: Platform) -> Iterator[None]:
    """Let all code of this process use `chosen` meanwhile."""
    _override.append(chosen)
    try:
        yield
    finally:
        _override.remove(chosen)


@lru_cache(maxsize=1)
def _identified() -> Identity:
    chosen = settings()
    if chosen.local_accounts:
        from shared.platform.embedded.accounts import open_accounts

        return open_accounts(chosen)
    from shared.platform.gcp.firebase import open_firebase

    return open_firebase(chosen, platform().documents)


def identity() -> Identity:
    """The process's accounts. Not part of the platform: only the HTTP function knows people."""
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
