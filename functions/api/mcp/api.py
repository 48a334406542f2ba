"""The HTTP API as the MCP tools call it: in the same process, or over the network by whoever provides `Send`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request

from shared.exports.markup import clean_text

FORWARDED = frozenset(
    {"authorization", "forwarded", "host", "origin", "traceparent", "via", "x-forwarded-for", "x-real-ip"}
)
"""Headers that decide who calls, from where, in which trace. The others describe the MCP message."""
MAX_DETAIL = 500


class Send(Protocol):
    """Sends a request and returns the body of a successful response. Raises ToolError with the API's sentence."""

    async def __call__(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> bytes: ...


class Api:
    """Requests of one caller. Texts in responses come without control characters and bidirectional overrides."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def get(self, *path: str, **params: Any) -> dict[str, Any]:
        return parse_clean(await self._send("GET", join_path(path), params=without_none(params)))

    async def post(self, *path: str, **body: Any) -> dict[str, Any]:
        return parse_clean(await self._send("POST", join_path(path), body=without_none(body)))

    async def get_text(self, *path: str, **params: Any) -> str:
        content = await self._send("GET", join_path(path), params=without_none(params))
        return clean_text(content.decode())


def request_sender(request: Request) -> Send:
    """Return a sender that calls the request's own application with the credentials of its caller."""
    # A list, since each proxy may add a header of the same name.
    headers = [(name, value) for name, value in request.headers.items() if name in FORWARDED]

    async def send(method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> bytes:
        client = (request.client.host, request.client.port) if request.client else ("", 0)
        # Not through a client, which would log what is searched for.
        transport = httpx2.ASGITransport(app=request.app, client=client)
        url = request.base_url.replace(path=path)
        inner = httpx2.Request(method, str(url), params=params, json=body, headers=headers)
        response = await transport.handle_async_request(inner)
        content = await response.aread()
        if not response.is_success:
            raise problem_error(content, response.status_code)
        return content

    return send


def problem_error(content: bytes, status: int) -> ToolError:
    """Return the error of a problem object, for the assistant to read."""
    try:
        problem = json.loads(content)
        return tool_error(problem["code"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        return tool_error(f"http_{status}", "The server could not answer.")


def tool_error(code: str, detail: str) -> ToolError:
    return ToolError(f"{clean_text(detail)[:MAX_DETAIL]} ({code})")


def parse_clean(content: bytes) -> dict[str, Any]:
    """Parse a JSON object, and clean all texts in it."""
    parsed: dict[str, Any] = clean_values(json.loads(content))
    return parsed


def clean_values(value: Any) -> Any:
    """Return a JSON value in which all texts are clean."""
    match value:
        case str():
            return clean_text(value)
        case list():
            return [clean_values(item) for item in value]
        case dict():
            return {name: clean_values(item) for name, item in value.items()}
    return value


def join_path(parts: tuple[str, ...]) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
