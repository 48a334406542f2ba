"""An HTTP server on loopback that behaves as badly as the real ones: plain sockets, so that it can break every rule.

    with HostileServer() as server:
        settings = Settings(allow_hosts=server.address)
        fetch(server.url("/short"), …)

Each connection serves one request. Whatever a route does, it ends when the client goes or the server is closed.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.hostile_routes import ROUTES, not_found
from tests.patience import PATIENCE_SEC


@dataclass(frozen=True)
class Received:
    """A request as it came in; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Connection(socketserver.BaseRequestHandler):
    """Reads one request and lets its route answer."""

    server: HostileServer
    request: socket.socket
    received: Received

    def handle(self) -> None:
        self.request.settimeout(PATIENCE_SEC)
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                more = self.request.recv(65536)
                if not more:
                    return
                head += more
            self.received = _parse(head.decode("latin-1"))
            self.server.requests.append(self.received)
            ROUTES.get(self.received.path, not_found)(self)
        except OSError:
            return  # the client went away, as it should from most of these

    def send(self, data: bytes) -> None:
        self.request.sendall(data)

    def answer(self, body: bytes = b"", status: int = 200, length: int | None = None, **headers: str) -> None:
        """A response with `Content-Length`; underscores in names of headers stand for hyphens."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("utf-8") + body)

    def drip(self, data: bytes, interval: float) -> None:
        """A byte at a time."""
        for byte in data:
            self.send(bytes([byte]))
            self.pause(interval)

    def pause(self, seconds: float) -> None:
        if self.server.closing.wait(seconds):
            raise ConnectionAbortedError

    def hold(self) -> None:
        """Say nothing until the client goes or the server closes."""
        self.request.settimeout(0.05)
        while not self.server.closing.is_set():
            try:
                if not self.request.recv(1):
                    return
            except TimeoutError:
                continue

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


class HostileServer(socketserver.ThreadingTCPServer):
    """Use as a context manager; nothing is left running after it.

    Attributes:
        address: `host:port`, as `allow_hosts` wants it.
        requests: All that came in, in order.
        closing: Set when the server ends.
    """

    daemon_threads = False
    block_on_close = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.requests: list[Received] = []
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"

    def asked(self, path: str) -> list[Received]:
        """The requests for one path."""
        return [request for request in self.requests if request.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


def _parse(head: str) -> Received:
    request_line, *lines = head.split("\r\n\r\n")[0].split("\r\n")
    method, target, _ = request_line.split(" ")
    parts = urlsplit(target)
    headers = dict(line.split(": ", 1) for line in lines)
    return Received(method, parts.path, dict(parse_qsl(parts.query)), {k.lower(): v for k, v in headers.items()})
