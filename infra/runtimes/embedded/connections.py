"""HTTP connections of the embedded server: how many there may be, and how long a client may take to send a request."""

from __future__ import annotations

import logging
import resource
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)
HEADER_TIMEOUT_SEC = 10.0
BODY_TIMEOUT_SEC = 60.0
BODY_BYTES = 1 << 16
"""A body brings so many bytes in BODY_TIMEOUT_SEC, or its connection is closed."""
MAX_CONNECTIONS = 1000
RESERVED_DESCRIPTORS = 96
"""For the database's connections, files and pipes."""
FULL_RESPONSE = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"
TIMEOUT_RESPONSE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def connection_limit() -> int:
    """How many connections the process's file descriptors allow; each may need one more for a file it sends."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, (descriptors - RESERVED_DESCRIPTORS) // 2))


class LimitedConnection(H11Protocol):
    """A connection that is closed if its client takes too long, or to make room for another one.

    With all connections in use, the one that has waited longest for a request is closed; if all have one, a new
    connection is answered with 503.
    """

    limit = MAX_CONNECTIONS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waiting_since = time.monotonic()
        self._body_bytes = 0
        self._timer = self.loop.call_later(HEADER_TIMEOUT_SEC, self._check_header)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        others = [
            other
            for other in self.connections
            if other is not self and isinstance(other, LimitedConnection) and not other.transport.is_closing()
        ]
        if len(others) < self.limit:
            return
        log.warning("all %s connections are in use", self.limit)
        idle = [other for other in others if other.is_idle]
        if idle:
            min(idle, key=lambda other: other.waiting_since).transport.abort()
        else:
            self._close(FULL_RESPONSE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_idle = self.is_idle
        super().data_received(data)
        self._body_bytes += len(data)
        if was_idle and not self.is_idle:
            self._restart(BODY_TIMEOUT_SEC, self._check_body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.waiting_since = time.monotonic()
        self._restart(HEADER_TIMEOUT_SEC, self._check_header)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, or for the rest of one's header."""
        return self.cycle is None or self.cycle.response_complete

    def _check_header(self) -> None:
        if self.is_idle and not self.transport.is_closing():
            log.warning("closed a connection whose request did not arrive within %.0f s", HEADER_TIMEOUT_SEC)
            self._close(TIMEOUT_RESPONSE)

    def _check_body(self) -> None:
        if self.cycle is None or not self.cycle.more_body or self.transport.is_closing():
            return
        # While the application reads nothing, the client cannot send.
        if self._body_bytes < BODY_BYTES and not self.flow.read_paused:
            log.warning("closed a connection that sent less than %s bytes in %.0f s", BODY_BYTES, BODY_TIMEOUT_SEC)
            self.transport.abort()
            return
        self._restart(BODY_TIMEOUT_SEC, self._check_body)

    def _restart(self, seconds: float, check: Any) -> None:
        self._timer.cancel()
        self._body_bytes = 0
        self._timer = self.loop.call_later(seconds, check)

    def _close(self, response: bytes) -> None:
        if self.conn.our_state is h11.IDLE:
            self.transport.write(response)
        self.transport.close()
