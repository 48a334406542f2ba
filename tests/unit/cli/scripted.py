"""A server on the loopback that speaks the API's and the storage's protocols and misbehaves as it is told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.patience import PATIENCE_SEC

ID = "5f3a"


def job(status: str = "running", **changed: Any) -> dict[str, Any]:
    """A recipe job's public document."""
    stage = {"attempts": 1, "progress": 0.5, "startedAt": None, "endedAt": None, "message": None}
    states = {"queued": "pending", "running": "running", "done": "done", "failed": "failed", "cancelled": "pending"}
    document = {
        "id": ID,
        "kind": "recipe",
        "language": "en",
        "url": None,
        "filename": "soup.mp4",
        "status": status,
        "stage": "analyze",
        "progress": 100 if status == "done" else 50,
        "stages": {
            "extract": {**stage, "status": "done"},
            "analyze": {**stage, "status": states[status], "message": "Reading the screen"},
        },
        "video": {"frames": [], "thumbnail": None},
        "result": None,
        "error": None,
        "createdAt": "2026-01-02T03:04:05Z",
    }
    return document | changed


@dataclass
class Script:
    """What the server is to do.

    Attributes:
        streams: For each connection to the events: the jobs to send, then how it ends, `close` (in good order), `cut`
            (in the middle of an event), `hold` (stays open until `release`), or the status to refuse it with.
        polled: Answers to GET of the job, in order; the last one again and again.
        cuts: For each PUT with bytes: break the connection after so many; None = take them all.
        refuse_upload: Answer each PUT with this problem.
        pages: Answers to GET /v1/jobs, in order.
        stored: Whether a finished job answers a link that is not asked for afresh.
    """

    streams: list[tuple[list[dict[str, Any]], str | int]] = field(default_factory=list)
    polled: list[dict[str, Any]] = field(default_factory=lambda: [job("done")])
    cuts: list[int | None] = field(default_factory=list)
    refuse_upload: tuple[int, str] | None = None
    pages: list[dict[str, Any]] = field(default_factory=list)
    stored: bool = False
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def requests_to(self, method: str, path: str) -> list[dict[str, str]]:
        """The headers of the requests for a path, in lower case."""
        return [
            headers for verb, target, headers in self.requests if (verb, target.partition("?")[0]) == (method, path)
        ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    script: Script

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def note(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.requests.append((self.command, self.path, headers))

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def problem(self, status: int, code: str) -> None:
        self.answer(status, {"code": code, "detail": f"A sentence about {code}."})

    def do_GET(self) -> None:
        self.note()
        script, path = self.script, urlsplit(self.path).path
        if path == f"/v1/jobs/{ID}/events":
            self.stream(*script.streams.pop(0)) if script.streams else self.problem(404, "not_found")
        elif path == f"/v1/jobs/{ID}":
            self.answer(200, script.polled.pop(0) if len(script.polled) > 1 else script.polled[0])
        elif path == f"/v1/jobs/{ID}/export":
            query = parse_qs(urlsplit(self.path).query)
            self.problem(422, "format_unknown") if query["format"] == ["pdf"] else self.answer(200, query)
        elif path == "/v1/jobs":
            assert int(parse_qs(urlsplit(self.path).query)["limit"][0]) <= 100
            self.answer(200, script.pages.pop(0))
        else:
            self.problem(404, "not_found")

    def stream(self, jobs: list[dict[str, Any]], end: str | int) -> None:
        if isinstance(end, int):
            self.problem(end, "busy")
            return
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"retry: 1000\n\n: still here\n\n")
        for document in jobs:
            data = json.dumps(document, ensure_ascii=False)
            self.wfile.write(f"id: v{document['progress']}\ndata: {data}\n\n".encode())
        if end == "cut":
            self.wfile.write(b'id: v99\ndata: {"id": "half an ev')
        if end == "hold":
            self.wfile.flush()
            self.script.held.set()
            self.script.release.wait(PATIENCE_SEC)

    def do_POST(self) -> None:
        self.note()
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else {}
        self.script.bodies.append(body)
        if self.path == "/v1/uploads":
            upload_url = f"{self.script.url}/storage/session"
            ticket = {"uploadUrl": upload_url, "method": "PUT", "headers": {"Content-Type": body["contentType"]}}
            self.answer(201, {"job": job("queued"), "expires_at": "2026-01-03T03:04:05Z", **ticket})
        elif self.path == "/v1/jobs":
            if body["kind"] == "poem":
                self.problem(422, "unknown_kind")
            else:
                stored = self.script.stored and not body.get("fresh")
                self.answer(200, job("done")) if stored else self.answer(202, job("queued", url=body["url"]))
        elif self.path == f"/v1/jobs/{ID}/cancel":
            self.answer(200, job("cancelled"))
        elif self.path == f"/v1/jobs/{ID}/retry":
            self.answer(202, job("queued"))
        else:
            self.problem(404, "not_found")

    def do_DELETE(self) -> None:
        self.note()
        self.send_response(204)
        self.end_headers()

    def do_PUT(self) -> None:
        self.note()
        script, length = self.script, int(self.headers.get("Content-Length", 0))
        if script.refuse_upload:
            self.rfile.read(length)
            self.problem(*script.refuse_upload)
            return
        query = re.fullmatch(r"bytes \*/(\d+)", self.headers.get("Content-Range", ""))
        if query:
            self.tell(int(query[1]))
            return
        content_range = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", self.headers.get("Content-Range", ""))
        start, total = (int(content_range[1]), int(content_range[3])) if content_range else (0, length)
        assert start == len(script.received)
        cut = script.cuts.pop(0) if script.cuts else None
        script.received += self.rfile.read(length if cut is None else cut)
        if cut is None:
            self.tell(total)
        else:
            self.close_connection = True

    def tell(self, total: int) -> None:
        received = len(self.script.received)
        if received == total:
            self.answer(200, {"name": "source"})
        else:
            self.answer(308, **({"Range": f"bytes=0-{received - 1}"} if received else {}))


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        script.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
