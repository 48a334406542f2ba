"""Serves the HTTP function as Cloud Run does: its front end ends a request above 32 MiB and answers by itself.

    python -m infra.runtimes.emulated.front TARGET HOST PORT

Source: https://cloud.google.com/run/quotas (HTTP/1 requests have at most 32 MiB). Imports nothing from `shared`: the
function's own sources come first on the module search path.
"""

from __future__ import annotations

import sys

from functions_framework._http import create_server
from functions_framework.aio import create_asgi_app
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_REQUEST_BYTES = 32 * 1024 * 1024
PAGE = (
    "<html><head><title>413 Request Entity Too Large</title></head><body><h1>Error: Request Entity Too Large</h1>"
    "<h2>Your client issued a request that was too large.</h2></body></html>"
)


class RequestLimit:
    """An ASGI application behind the limit: a larger body, declared or sent, is answered with Google's page."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = HTMLResponse(PAGE, 413, headers={"Connection": "close"})
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and len(declared) < 20 and int(declared) > self._max_bytes:
            await answer(scope, receive, send)
            return
        received = 0
        has_started = False

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self._max_bytes else {"type": "http.disconnect"}

        async def send_unless_too_large(message: Message) -> None:
            nonlocal has_started
            if received <= self._max_bytes:
                has_started = True
                await send(message)

        try:
            await self._app(scope, receive_limited, send_unless_too_large)
        except Exception:
            if received <= self._max_bytes:
                raise
        if received > self._max_bytes and not has_started:
            await answer(scope, receive, send)


def main(target: str, host: str, port: int) -> None:
    app = create_asgi_app(target, "main.py", "http")  # type: ignore[no-untyped-call]
    create_server(RequestLimit(app), debug=False).run(host, port)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
