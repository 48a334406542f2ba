"""The MCP server on standard input and output: its tools call a Clipwise server over the network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.options import LOCAL, Server

if TYPE_CHECKING:
    from functions.api.mcp.api import Send
    from infra.api_client import ApiClient

commands = typer.Typer()


@commands.command()
def mcp(
    folder: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="Folder whose files may be submitted. Repeat it for several."),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer no tools that submit videos.")] = False,
    server: Server = LOCAL,
) -> None:
    """Serve the Model Context Protocol on standard input and output, for AI assistants that start this command.

    The tools use a server that runs, with the API key in CLIPWISE_TOKEN or the session of `clipwise login`.
    """
    import logging

    from functions.api.mcp.api import Api
    from functions.api.mcp.server import create_server
    from infra.api_client import ApiClient
    from infra.cli.credentials import Credentials, SessionAuth
    from infra.cli.mcp_files import add_file_tool

    # Standard output belongs to the protocol.
    logging.basicConfig(level=logging.WARNING)
    token = os.environ.get("CLIPWISE_TOKEN")
    with ApiClient(server, token, None if token else SessionAuth(server.rstrip("/"), Credentials())) as client:
        api = Api(client_sender(client))
        assistant_server = create_server(lambda context: api, read_only=read_only)
        if folder and not read_only:
            add_file_tool(assistant_server, client, resolve_folders(folder))
        assistant_server.run("stdio")


def resolve_folders(folders: Sequence[Path]) -> list[Path]:
    """Return the folders themselves, as they are when the server starts."""
    return [folder.resolve(strict=True) for folder in folders]


def client_sender(client: ApiClient) -> Send:
    """Return a sender that uses a client of the API, whose calls block, in other threads."""
    from anyio import to_thread

    from functions.api.mcp.api import tool_error
    from infra.api_client import ANSWER_SEC, ApiError, ServerUnreachable

    async def send(method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> bytes:
        def call() -> bytes:
            return client.request_content(method, path, params=params, json=body, timeout=ANSWER_SEC)

        try:
            return await to_thread.run_sync(call)
        except ApiError as error:
            raise tool_error(error.code, error.detail) from None
        except ServerUnreachable as error:
            raise tool_error("server_unreachable", str(error)) from None

    return send
