"""The Model Context Protocol over HTTP, for AI assistants: stateless, each message by itself."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from functions.api.identity import Caller, refuse_foreign_origin
from functions.api.openapi import inline_request_body, problem_responses
from functions.api.request_bodies import media_type
from shared.errors import PermanentError
from shared.models.api_key import KeyScope

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

router = APIRouter(tags=["mcp"], responses=problem_responses(401, 403, 415))
MAX_MESSAGE_BYTES = 65_536
MESSAGE = {
    "type": "object",
    "properties": {
        "jsonrpc": {"type": "string", "const": "2.0", "description": "Version of JSON-RPC."},
        "id": {"type": ["string", "integer"], "description": "Identifier of the request. None for a notification."},
        "method": {"type": "string", "description": "Method, such as `tools/call`.", "examples": ["tools/list"]},
        "params": {"type": "object", "description": "Parameters of the method."},
    },
    "required": ["jsonrpc", "method"],
}
JSON_RPC: dict[str, Any] = {"content": {"application/json": {"schema": {"type": "object"}}}}


@router.post(
    "/mcp",
    summary="Send an MCP message",
    description=(
        "Serves the Model Context Protocol over streamable HTTP, without sessions, so that AI assistants can use the "
        "library by tools. Each message is a JSON-RPC request; the response is JSON. Errors of the protocol are "
        "JSON-RPC errors. A call of a tool counts against the rate limits as the requests that it makes."
    ),
    response_class=Response,
    openapi_extra=inline_request_body("application/json", MESSAGE),
    responses={
        200: JSON_RPC | {"description": "The response"},
        202: {"description": "A notification was accepted"},
        400: JSON_RPC | {"description": "The message is invalid"},
        404: JSON_RPC | {"description": "The method does not exist"},
        406: JSON_RPC | {"description": "The client does not accept JSON"},
        413: JSON_RPC | {"description": "The message is too large"},
    },
)
async def send_mcp_message(request: Request, user: Caller) -> Response:
    refuse_foreign_origin(request)
    if media_type(request) != "application/json":
        raise PermanentError(
            "unsupported_body", "This endpoint accepts only JSON. Send “Content-Type: application/json”."
        )
    read_only = user.key is not None and KeyScope.WRITE not in user.key.scopes
    return McpResponse(await run_in_threadpool(server_for, read_only))


@lru_cache
def server_for(read_only: bool) -> MCPServer[Any]:
    """Create the server at the first message: its library takes longer to load than the rest of the API."""
    from functions.api.mcp.api import Api, request_sender
    from functions.api.mcp.server import create_server

    return create_server(
        lambda context: Api(request_sender(context.request_context.request)),  # type: ignore[arg-type]
        read_only=read_only,
    )


class McpResponse(Response):
    """The response of an MCP server to the request, which it reads itself."""

    def __init__(self, server: MCPServer[Any]) -> None:
        super().__init__()
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Each message has a manager of its own, which ends with it: the host sends no lifespan events. The rules for
        # Host and Origin have been applied.
        self._server.streamable_http_app(
            json_response=True, stateless_http=True, max_request_body_size=MAX_MESSAGE_BYTES, host=""
        )
        manager = self._server.session_manager
        async with manager.run():
            await manager.handle_request(scope, receive, send)
