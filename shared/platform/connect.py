"""The composition root: which adapters this process uses. Built at first use, once; tests put their own in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from shared.platform.ports import Platform
from shared.settings import settings

_override: list[Platform] = []


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
