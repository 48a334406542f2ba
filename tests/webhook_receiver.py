"""A user's own server on loopback, which is told of jobs: it keeps what it gets and answers as it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are given in turn, and 204 when there is none left."""

    address: str
    requests: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://{self.address}{path}"

    def wait_for(self, count: int, seconds: float = 60) -> list[Received]:
        """The requests, when there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), f"{self.requests} so far"
        return self.requests


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.receiver.arrived:
            self.receiver.requests.append(Received(self.path, headers, body))
            answer = self.receiver.answers.pop(0) if self.receiver.answers else status(204)
            self.receiver.arrived.notify_all()
        answer(self)

    def log_message(self, *_: Any) -> None:
        pass


def status(code: int, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def not_http(handler: Handler) -> None:
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")
    hang_up(handler)


def silence(handler: Handler) -> None:
    """Until the receiver closes."""
    handler.receiver.closing.wait()


def endless(code: int) -> Answer:
    """A body without end."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        handler.end_headers()
        try:
            while not handler.receiver.closing.is_set():
                handler.wfile.write(bytes(65536))
        except OSError:
            handler.close_connection = True

    return answer


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Own(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    Own.receiver = Receiver(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Own.receiver
    finally:
        Own.receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
