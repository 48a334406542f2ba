"""The composition root of accounts: separate from `place`, since only the HTTP function has users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.once import once
from shared.platform.accounts import Identity
from shared.platform.place import current_place
from shared.settings import settings

_override: list[Identity] = []


@once
def _open_identity() -> Identity:
    config = settings()
    if config.has_local_accounts:
        from shared.platform.embedded.local_accounts import open_local_accounts

        return open_local_accounts(config)
    from shared.platform.gcp.firebase import open_firebase_identity

    return open_firebase_identity(config, current_place().documents)


def current_identity() -> Identity:
    """Return the process's accounts, opened at first use."""
    return _override[-1] if _override else _open_identity()


def reset_identity() -> None:
    """Forget the current accounts: the next use opens them again by the settings of that time."""
    _open_identity.cache_clear()


@contextmanager
def use_identity(replacement: Identity) -> Iterator[None]:
    """Let all code of this process use `replacement` inside the `with` block."""
    _override.append(replacement)
    try:
        yield
    finally:
        _override.remove(replacement)
