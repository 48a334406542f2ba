"""How often one host is asked, by all threads of this process together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.sources.images.source import Pulse

MAX_PAUSE_SEC = 60.0
PULSE_SEC = 1.0
MAX_HOSTS = 10_000


@dataclass
class HostState:
    busy: int = 0
    free_at: float = 0.0
    """By `time.monotonic()`: nobody asks before."""


class HostThrottle:
    """Who waits for whom.

    Args:
        connections: At most so many requests to one host at a time.
        delay: Seconds from the beginning of one to that of the next.
    """

    def __init__(self, connections: int, delay: float) -> None:
        self._connections = connections
        self._delay = delay
        self._hosts: dict[str, HostState] = {}
        self._changed = threading.Condition()

    @contextmanager
    def request_slot(self, authority: str, delay: float, pulse: Pulse) -> Iterator[None]:
        """Wait for one's turn at a host and have it; `delay` is what the host itself asks for."""
        host = self._acquire_slot(authority, max(self._delay, delay), pulse)
        try:
            yield
        finally:
            with self._changed:
                host.busy -= 1
                self._changed.notify_all()

    def pause_host(self, authority: str, seconds: float) -> None:
        """Nobody is to ask this host for a while."""
        with self._changed:
            host = self._host_state(authority)
            host.free_at = max(host.free_at, time.monotonic() + min(seconds, MAX_PAUSE_SEC))

    def _acquire_slot(self, authority: str, delay: float, pulse: Pulse) -> HostState:
        while True:
            pulse()
            with self._changed:
                host, now = self._host_state(authority), time.monotonic()
                if host.busy < self._connections and host.free_at <= now:
                    host.busy += 1
                    host.free_at = now + delay
                    return host
                wait_sec = host.free_at - now if host.busy < self._connections else PULSE_SEC
                self._changed.wait(max(0.001, min(PULSE_SEC, wait_sec)))

    def _host_state(self, authority: str) -> HostState:
        if len(self._hosts) > MAX_HOSTS:
            now = time.monotonic()
            self._hosts = {name: host for name, host in self._hosts.items() if host.busy or host.free_at > now}
        return self._hosts.setdefault(authority, HostState())
