"""A local HTTP server that stands for a service: it answers from a queue, and remembers and checks what it is asked."""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LONGEST_SILENCE_SEC = 20
SSE = {"content-type": "text/event-stream; charset=utf-8"}


@dataclass(frozen=True)
class RecordedRequest:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer. `cut` breaks the connection half way through the body, `stalled` falls silent there, `silent` never
    answers."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    stalled: bool = False
    silent: bool = False

    @property
    def body(self) -> bytes:
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


class QuietHTTPServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever went away before the answer came is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StandInServer:
    """Serves on a free loopback port while its context is open.

    Attributes:
        asked: All requests, in order.
        problems: What was wrong with requests by the service's published reference; to be empty at the end.
    """

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.problems: list[str] = []
        self.queue: deque[Reply] = deque()
        self._stop_event = threading.Event()
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if len(body) < length:
                    # Who asks was killed while asking.
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = RecordedRequest(self.command, self.path, headers, body)
                with service._lock:
                    service.requests.append(request)
                    reply = service.reply_to(request)
                if reply.silent:
                    service._stop_event.wait(LONGEST_SILENCE_SEC)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                is_partial = reply.cut or reply.stalled
                self.wfile.write(reply.body[: len(reply.body) // 2] if is_partial else reply.body)
                if reply.stalled:
                    service._stop_event.wait(LONGEST_SILENCE_SEC)
                self.close_connection = self.close_connection or is_partial

            do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = handle_any

            def log_message(self, *_: object) -> None:
                """Requests are remembered, not printed."""

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop_event.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if kind is None:
            assert self.problems == []

    def queue_replies(self, *replies: Reply) -> Self:
        """Answer with these, one each, in order."""
        self.queue.extend(replies)
        return self

    def next_reply(self) -> Reply | None:
        return self.queue.popleft() if self.queue else None

    def reply_to(self, request: RecordedRequest) -> Reply:
        raise NotImplementedError
