"""The tool that submits files of this machine: only those in folders that were named when the server started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from functions.api.mcp.api import clean_values, tool_error
from functions.api.mcp.results import JobView, job_view
from functions.api.mcp.server import SUBMIT
from functions.api.mcp.submission_tools import Kind, Language
from infra.api_client import ApiClient, ApiError, ServerUnreachable
from infra.cli.upload import send_file
from shared.errors import PermanentError


def add_file_tool(server: MCPServer[Any], client: ApiClient, folders: Sequence[Path]) -> None:
    """Add the tool `submit_file`. `folders` are absolute and contain no symbolic links."""
    names = ", ".join(map(str, folders))

    async def submit_file(
        path: Annotated[
            str,
            Field(min_length=1, max_length=4096, description="Absolute path, or one relative to an allowed folder."),
        ],
        kind: Kind,
        language: Language = None,
    ) -> JobView:
        def submit() -> JobView:
            try:
                file = find_file(path, folders)
                return job_view(clean_values(send_file(client, file, kind, language, {}, lambda sent: None)))
            except (ApiError, ServerUnreachable, PermanentError) as error:
                code = getattr(error, "code", "server_unreachable")
                raise tool_error(code, str(error)) from None
            except OSError:
                raise not_allowed_error(names) from None

        return await to_thread.run_sync(submit)

    description = (
        "Upload a video or audio file of this machine, and start a job that analyzes it. Returns once the file is "
        f"uploaded; follow the job with `get_job`. Only files in these folders can be submitted: {names}"
    )
    server.add_tool(submit_file, title="Submit a file", description=description, annotations=SUBMIT)


def find_file(text: str, folders: Sequence[Path]) -> Path:
    """Return the regular file at a path, without symbolic links in it.

    Raises ToolError if it lies in none of the folders, even through a link, without telling whether it exists.
    """
    for folder in folders:
        try:
            file = (folder / text).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            continue
        if file.is_file() and any(file.is_relative_to(allowed) for allowed in folders):
            return file
    raise not_allowed_error(", ".join(map(str, folders)))


def not_allowed_error(names: str) -> ToolError:
    return tool_error("file_not_allowed", f"There is no such file in the allowed folders: {names}")
