"""Tools that read: search, videos, transcripts, results, groups, and questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from functions.api.mcp.api import Api
from functions.api.mcp.paging import Cursor, Id, Offset, cut, line_page, text_page
from functions.api.mcp.results import (
    MAX_ANSWER,
    MAX_DESCRIPTION,
    MAX_TITLE,
    AnalysisView,
    Answer,
    GroupPage,
    GroupView,
    JobView,
    Line,
    MomentPage,
    TextPage,
    TranscriptPage,
    VideoDetails,
    VideoPage,
    VideoView,
    job_view,
    moment_view,
    source_view,
    video_fields,
)

Connect = Callable[[Context], Api]
"""Returns the API for the caller of a tool."""
PAGE_SIZE = 10
MAX_WAIT_SEC, POLL_SEC = 45, 2.0
READABLE_FORMATS: dict[str, Literal["md", "txt"]] = {"recipe": "md", "reel": "md", "summary": "md", "transcript": "txt"}
"""The format of each kind that an assistant reads best; `json` for any other kind."""
FINAL = ("done", "failed", "cancelled")
MAX_ANALYSES = 20


class LibraryTools:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def search_library(
        self,
        context: Context,
        query: Annotated[str, Field(min_length=1, max_length=500, description="Words, a sentence or a question.")],
        origin: Annotated[
            list[Literal["speech", "screen", "caption"]] | None,
            Field(
                description="Where to search: speech, screen (on-screen text) or caption (posted with the video). "
                "Omit it to search everywhere."
            ),
        ] = None,
        cursor: Cursor = None,
    ) -> MomentPage:
        """Find moments in all videos of the user by what is said, by on-screen text and by captions.

        Matches by words and by meaning, in any language. Each moment has its video, its second and a link to it. Use
        it to locate something; use `ask` for an answer in sentences.
        """
        page = await self._connect(context).get("search", q=query, origin=origin, limit=PAGE_SIZE, cursor=cursor)
        return MomentPage(moments=[moment_view(moment) for moment in page["moments"]], next_cursor=page["cursor"])

    async def ask(
        self,
        context: Context,
        question: Annotated[str, Field(min_length=1, max_length=2000, description="The question, in any language.")],
        group_id: Annotated[Id | None, Field(description="Answer from this group of videos only.")] = None,
        video_id: Annotated[Id | None, Field(description="Answer from this video only.")] = None,
        language: Annotated[
            str | None, Field(max_length=35, description="BCP-47 tag of the answer. Default: that of the question.")
        ] = None,
    ) -> Answer:
        """Answer a question from the transcripts of the user's videos, with sources.

        Answers from all videos, or from one group or video. Each source has its second, a quote and a link. Show the
        links when you report the answer. Counts against the user's limit for questions.
        """
        if group_id and video_id:
            raise ToolError("Pass group_id or video_id, not both.")
        answer = await self._connect(context).post(
            "chat",
            messages=[{"role": "user", "content": question}],
            groupId=group_id,
            videoId=video_id,
            library=None if group_id or video_id else True,
            language=language,
        )
        return Answer(
            answer=cut(answer["content"], MAX_ANSWER),
            found=answer["found"],
            sources=[source_view(citation) for citation in answer["citations"]],
        )

    async def list_videos(
        self,
        context: Context,
        query: Annotated[
            str, Field(max_length=200, description="Words that title, tags, author or file name contain.")
        ] = "",
        group_id: Annotated[Id | None, Field(description="List the videos of this group, in its order.")] = None,
        cursor: Cursor = None,
    ) -> VideoPage:
        """List the user's videos, newest first, or those of a group."""
        api = self._connect(context)
        if group_id is None:
            page = await api.get("videos", q=query or None, limit=PAGE_SIZE, cursor=cursor)
            return VideoPage(
                videos=[VideoView(**video_fields(video)) for video in page["videos"]], next_cursor=page["cursor"]
            )
        start = int(cursor) if cursor and cursor.isdecimal() and len(cursor) < 6 else 0
        words = query.casefold().split()
        videos = [VideoView(**video_fields(video)) for video in (await api.get("groups", group_id))["videos"]]
        matches = [video for video in videos if all(word in (video.title or "").casefold() for word in words)]
        end = start + PAGE_SIZE
        return VideoPage(videos=matches[start:end], next_cursor=str(end) if end < len(matches) else None)

    async def get_video(self, context: Context, video_id: Id) -> VideoDetails:
        """Get a video with the analyses that exist of it. Pass the job_id of an analysis to `read_result`."""
        video = await self._connect(context).get("videos", video_id)
        analyses = video["analyses"][:MAX_ANALYSES]
        return VideoDetails(
            **video_fields(video),
            url=cut(video["url"], MAX_DESCRIPTION),
            description=cut(video["description"], MAX_DESCRIPTION),
            tags=[cut(tag, MAX_TITLE) or "" for tag in video["tags"]],
            analyses=[
                AnalysisView(**{"job_id": job["jobId"]} | {name: job[name] for name in ("kind", "language", "status")})
                for job in analyses
            ],
        )

    async def list_groups(self, context: Context, cursor: Cursor = None) -> GroupPage:
        """List the user's groups of videos, newest first. `ask` and `list_videos` accept a group_id."""
        page = await self._connect(context).get("groups", limit=PAGE_SIZE, cursor=cursor)
        groups = [
            GroupView(
                group_id=group["id"],
                name=cut(group["name"], MAX_TITLE),
                description=cut(group["description"], MAX_DESCRIPTION),
                video_count=len(group["videoIds"]),
            )
            for group in page["groups"]
        ]
        return GroupPage(groups=groups, next_cursor=page["cursor"])

    async def get_job(
        self,
        context: Context,
        job_id: Id,
        wait_seconds: Annotated[
            int, Field(ge=0, le=MAX_WAIT_SEC, description="Wait up to this long for the job to end.")
        ] = 0,
    ) -> JobView:
        """Get the status of a job, and wait for its end if asked to.

        Call it again while the status is queued or running. When it is done, `read_result` returns the result.
        """
        api = self._connect(context)
        with anyio.move_on_after(wait_seconds):
            while True:
                view = job_view(await api.get("jobs", job_id))
                if view.status in FINAL:
                    return view
                await context.report_progress(view.progress, 100, view.stage)
                await anyio.sleep(POLL_SEC)
        return job_view(await api.get("jobs", job_id))

    async def read_transcript(
        self,
        context: Context,
        video_id: Id,
        from_seconds: Annotated[
            float, Field(ge=0, description="Start at this second, such as that of a moment. Ignored with an offset.")
        ] = 0,
        offset: Offset = 0,
    ) -> TranscriptPage:
        """Read what is said in a video, line by line with seconds, in pages."""
        transcript = await self._connect(context).get("videos", video_id, "transcript")
        segments = transcript["segments"]
        first = offset or sum(segment["end"] <= from_seconds for segment in segments)
        lines, next_offset = line_page(segments, first)
        return TranscriptPage(
            video_id=video_id,
            language=transcript.get("language"),
            lines=[Line(**line) for line in lines],
            next_offset=next_offset,
        )

    async def read_result(self, context: Context, job_id: Id, offset: Offset = 0) -> TextPage:
        """Read the result of a job that is done: a recipe, a reel script, a summary, a transcript or metadata.

        Returns Markdown where the kind has it, in pages.
        """
        job = await self._connect(context).get("jobs", job_id)
        return await self.export_result(context, job_id, READABLE_FORMATS.get(job["kind"], "json"), offset=offset)

    async def export_result(
        self,
        context: Context,
        job_id: Id,
        format: Annotated[
            Literal["md", "jsonld", "json", "txt", "srt", "vtt"],
            Field(description="md (recipe, reel, summary), jsonld (recipe), json, txt, srt or vtt (transcript)."),
        ],
        servings: Annotated[
            float | None, Field(gt=0, le=1000, description="Scale a recipe to so many servings.")
        ] = None,
        units: Annotated[
            Literal["metric", "us"] | None, Field(description="Convert the amounts of a recipe to these units.")
        ] = None,
        offset: Offset = 0,
    ) -> TextPage:
        """Export the result or the transcript of a job as a file of a format, in pages of its text."""
        text = await self._connect(context).get_text(
            "jobs", job_id, "export", format=format, servings=servings, units=units
        )
        return TextPage(job_id=job_id, format=format, **text_page(text, offset))
