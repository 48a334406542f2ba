"""An ASGI application behind a real HTTP server on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from infra.runtimes.embedded.serve import bind_socket
from tests.patience import PATIENCE_SEC


@contextmanager
def served(app: Any, path: str) -> Iterator[str]:
    """Serve the application under a path from a thread; give the server's URL, without the path."""
    ready = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

    mounted = Starlette(routes=[Mount(path, app)]) if path else app
    config = uvicorn.Config(
        mounted, log_level="warning", lifespan="off", proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = Server(config)
    with bind_socket("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert ready.wait(PATIENCE_SEC), "the server did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
