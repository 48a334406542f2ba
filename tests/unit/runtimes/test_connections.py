"""Clients that take their time over a request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from infra.runtimes.embedded import connections
from infra.runtimes.embedded.connections import LimitedConnection, connection_limit
from tests.patience import PATIENCE_SEC
from tests.server import eventually

LIMIT = 8


async def respond(request: Request) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse("ok")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> uvicorn.Server:
    monkeypatch.setattr(LimitedConnection, "limit", LIMIT)
    app = Starlette(routes=[Route("/", respond, methods=["GET", "POST"])])
    return uvicorn.Server(uvicorn.Config(app, http=LimitedConnection, log_config=None, lifespan="off"))


@pytest.fixture
def port(server: uvicorn.Server) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def connect(port: int, data: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), PATIENCE_SEC)
    client.sendall(data)
    return client


def received(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(4096):
            data += piece
    return data


def test_half_requests_do_not_keep_others_out(port: int) -> None:
    """While somebody holds every connection open with half a header, the next client is answered."""
    with ExitStack() as stack:
        halves = [stack.enter_context(connect(port, b"GET / HTTP/1.1\r\nHost: a")) for _ in range(3 * LIMIT)]
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "ok"
        assert received(halves[0]) == b""


def test_a_header_that_does_not_end_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that never finishes its header is told so and loses its connection."""
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_SEC", 0.05)
    with connect(port, b"GET / HTTP/1.1\r\nHost: a") as client:
        assert received(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_does_not_come_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that announces a body and sends next to nothing of it loses its connection."""
    monkeypatch.setattr(connections, "BODY_TIMEOUT_SEC", 0.05)
    with connect(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nx") as client:
        assert b" 200 " not in received(client)


def requests_under_way(server: uvicorn.Server) -> int:
    connections = list(server.server_state.connections)
    return sum(isinstance(each, LimitedConnection) and not each.is_idle for each in connections)


def test_requests_under_way_are_not_cut_off(server: uvicorn.Server, port: int) -> None:
    """A new client beyond the limit is told to come back; those whose requests are under way go on."""
    with ExitStack() as stack:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nx"
        busy = [stack.enter_context(connect(port, head)) for _ in range(LIMIT)]
        # Before its header is read, a connection is idle, and the next client would take its place.
        eventually(lambda: requests_under_way(server) == LIMIT)
        assert b" 503 " in received(stack.enter_context(connect(port, b"")))
        for client in busy:
            client.sendall(b"y")
            assert received(client).endswith(b"ok")


def test_few_descriptors_leave_room_for_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that allows 128 open files, connections do not use them up."""
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (128, 128))
    assert connection_limit() == 16
