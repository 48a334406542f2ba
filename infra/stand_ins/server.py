"""Base of the stand-ins: a local HTTP server that replies from a queue, and records and checks the requests."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

log = logging.getLogger(__name__)

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
    """A response to one request.

    Attributes:
        cut: Whether the connection breaks halfway through the body.
        stalled: Whether the server stops sending there, but keeps the connection open.
        silent: Whether the server does not respond at all.
    """

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
        """Ignore clients that disconnect before the response."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StandInServer:
    """Serves on a free loopback port while its context is open.

    Attributes:
        requests: All requests, in order.
        problems: Violations of the service's published reference; must be empty when the context ends.
        queue: The next replies.
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
                    # The client was killed while it sent the request.
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
                """Print nothing: requests are recorded."""

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
        """Queue replies to the next requests, one each, in order."""
        self.queue.extend(replies)
        return self

    def next_reply(self) -> Reply | None:
        return self.queue.popleft() if self.queue else None

    def reply_to(self, request: RecordedRequest) -> Reply:
        """Check the request and return its reply."""
        raise NotImplementedError


@dataclass(frozen=True)
class MultipartFile:
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class MultipartForm:
    """Values by field name, as many as were sent."""

    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[MultipartFile]] = field(default_factory=lambda: defaultdict(list))


def parse_multipart(request: RecordedRequest) -> MultipartForm:
    """Parse a body of the type multipart/form-data (RFC 7578); raises ValueError for any other."""
    boundary = re.fullmatch(r'multipart/form-data; *boundary="?([^"]+)"?', request.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("the body is no multipart/form-data")
    delimiter = b"--" + boundary[1].encode()
    first, *parts, last = request.body.split(delimiter)
    if first or last.strip() != b"--":
        raise ValueError("the body does not begin and end with its boundary")
    form = MultipartForm()
    for part in parts:
        head, _, data = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        headers = head.decode()
        name = re.search(r'(?i)content-disposition: *form-data;.*?\bname="([^"]*)"', headers)
        if name is None:
            raise ValueError("a part has no name")
        filename = re.search(r'\bfilename="([^"]*)"', headers)
        if filename:
            media_type = re.search(r"(?i)content-type: *([^\r\n]+)", headers)
            form.files[name[1]].append(MultipartFile(filename[1], media_type[1] if media_type else "", data))
        else:
            form.texts[name[1]].append(data.decode())
    return form


class AutoReplyServer(StandInServer):
    """Makes up a reply if none is queued."""

    def next_reply(self) -> Reply | None:
        return super().next_reply() or self.make_reply(self.requests[-1])

    def make_reply(self, request: RecordedRequest) -> Reply:
        """Return a reply to a valid request."""
        raise NotImplementedError


class StatelessServer(StandInServer):
    """Can run for days: discards each request after its reply, and logs its problems immediately."""

    def reply_to(self, request: RecordedRequest) -> Reply:
        reply = super().reply_to(request)
        for problem in self.problems:
            log.warning("%s: a request that the real service would reject: %s", type(self).__name__, problem)
        self.problems.clear()
        self.requests.clear()
        return reply
