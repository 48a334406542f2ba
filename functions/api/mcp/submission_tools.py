"""Tools that submit videos: a link, or a link to upload a file to."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from functions.api.mcp.library_tools import Connect
from functions.api.mcp.results import JobView, UploadLink, job_view

Kind = Annotated[
    Literal["recipe", "reel", "summary", "transcript", "metadata"],
    Field(
        description="What to extract: recipe (cooking videos), reel (script and pacing of a short video), summary, "
        "transcript (what is said), metadata (technical facts, without AI)."
    ),
]
Language = Annotated[
    str | None, Field(max_length=35, description="BCP-47 tag of the result, such as de. Default: the server's.")
]


class SubmissionTools:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def submit_link(
        self,
        context: Context,
        url: Annotated[str, Field(max_length=2000, description="Public http or https link to a video or its page.")],
        kind: Kind,
        language: Language = None,
    ) -> JobView:
        """Submit a video by its link, and start a job that analyzes it.

        Returns at once; follow the job with `get_job`. The same link and kind return the job that exists.
        """
        return job_view(await self._connect(context).post("jobs", url=url, kind=kind, language=language))

    async def create_upload_link(
        self,
        context: Context,
        filename: Annotated[str, Field(min_length=1, max_length=200, description="Name of the file.")],
        content_type: Annotated[str, Field(max_length=100, description="Media type, such as video/mp4.")],
        size_bytes: Annotated[int, Field(gt=0, description="Exact size of the file.")],
        kind: Kind,
        language: Language = None,
    ) -> UploadLink:
        """Create a link for uploading one video or audio file, for whoever can read the file.

        The server reads no files itself. Run the command, or give it to the user; then follow the job with `get_job`.
        """
        ticket = await self._connect(context).post(
            "uploads", filename=filename, contentType=content_type, size=size_bytes, kind=kind, language=language
        )
        headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in ticket["headers"].items()]
        words = [
            "curl",
            "-X",
            ticket["method"],
            *headers,
            "-T",
            shlex.quote(filename),
            shlex.quote(ticket["uploadUrl"]),
        ]
        return UploadLink(
            job=job_view(ticket["job"]),
            url=ticket["uploadUrl"],
            method=ticket["method"],
            headers=ticket["headers"],
            expires_at=ticket["expiresAt"],
            command=" ".join(words),
        )
