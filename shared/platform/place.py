"""The composition root: the adapters that this process uses, opened once at first use. Tests replace them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.garbage_collection import collector_paused
from shared.once import once
from shared.platform.ports import Place
from shared.settings import settings

_override: list[Place] = []


@once
def _open_place() -> Place:
    config = settings()
    if config.clipwise_place == "embedded":
        from shared.platform.embedded.place import open_embedded_place

        return open_embedded_place(config).place
    from shared.platform.memory import limit_function_memory

    limit_function_memory()
    with collector_paused():
        # Google's clients are most of the time of an instance's first event.
        from shared.platform.gcp.place import open_gcp_place

        return open_gcp_place(config)


def current_place() -> Place:
    """Return the process's place, opened at first use."""
    return _override[-1] if _override else _open_place()


def is_place_open() -> bool:
    """Return True if `current_place` returns at once, without connecting to anything."""
    return bool(_override) or _open_place.is_made


def is_process_place(place: Place) -> bool:
    """Whether another process with this environment opens the same place."""
    return _open_place.is_made and place is _open_place()


@contextmanager
def use_place(place: Place) -> Iterator[None]:
    """Let all code of this process use `place` inside the `with` block."""
    _override.append(place)
    try:
        yield
    finally:
        _override.remove(place)
