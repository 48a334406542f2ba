"""Search for moments in the caller's whole library."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from functions.api.dependencies import Cursor, Limit, PlaceDep
from functions.api.event_streams import moment_link
from functions.api.identity import Caller
from functions.api.openapi import problem_responses
from functions.api.rate_limits import CHAT, Quota
from functions.api.request_models import check_storable, to_nonblank_line
from functions.api.schemas import NEXT_PAGE
from shared.ai.usage import meter_for
from shared.chat.moments import Moment, search_moments
from shared.models import Model
from shared.models.chat import PassageOrigin
from shared.models.job import Usage
from shared.pipeline.jobs import video_title
from shared.platform.cursors import read_offset, write_offset
from shared.settings import settings

router = APIRouter(prefix="/v1/search", tags=["search"], responses=problem_responses(401, 403, 422))
MAX_QUERY = 500
MOMENTS = "moments"
"""The form of a cursor of the moments of a search."""
SearchText = Annotated[
    str,
    AfterValidator(check_storable),
    AfterValidator(to_nonblank_line),
    Query(
        min_length=1,
        max_length=MAX_QUERY,
        pattern=r"\S",
        description="What to find, as words, a sentence or a question, in any language.",
        examples=["fold the dough"],
    ),
]
Origins = Annotated[
    list[PassageOrigin],
    Query(
        max_length=3,
        description="Where to search: `speech` (said or subtitled), `screen` (on-screen text), `caption` (posted with "
        "the video). Repeat the parameter for several. Default: everywhere.",
    ),
]


class MomentInfo(Model):
    """A moment that matches the search."""

    video_id: str = Field(description="The video that contains the moment.")
    title: str | None = Field(description="Title of the video.")
    time: float = Field(description="The moment, in seconds. 0 for a caption, which has no time.")
    origin: PassageOrigin = Field(
        description="What matches: `speech`, `screen` (on-screen text) or `caption` (the text posted with the video)."
    )
    text: str = Field(description="The line that matches best.")
    words: list[str] = Field(
        description="Words of the search that occur around the moment. Empty if it matches by meaning only."
    )
    start: float = Field(description="Start of the passage around the moment, in seconds.")
    end: float = Field(description="End of the passage, in seconds.")
    passage: str = Field(description="Text of the passage.")
    thumbnail: str | None = Field(
        description="Media name of the picture nearest to the moment. Download it from GET /v1/jobs/{id}/media/{name} "
        "with the id of the video."
    )
    link: str = Field(description="Link to the moment in the video.")


class MomentPage(BaseModel):
    moments: list[MomentInfo] = Field(description="Moments, best match first.")
    cursor: str | None = Field(description=NEXT_PAGE)


@router.get(
    "",
    summary="Search all videos",
    description=(
        "Finds moments in all your videos by speech, on-screen text and captions, by words and by meaning. Returns at "
        "most 100 moments, in pages; matches that overlap count as one. Counts against the limit for questions. "
        "Without an embedding model, texts are compared by words."
    ),
    response_model=MomentPage,
    responses=problem_responses(402, 502, 503),
)
def search_library(
    request: Request,
    user: Caller,
    place: PlaceDep,
    q: SearchText,
    origin: Origins = ["speech", "screen", "caption"],  # noqa: B006  # FastAPI copies it
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Any:
    start = read_offset(cursor, MOMENTS)
    Quota(request.scope, place.documents, CHAT, settings().rate_limit_chat, user.id).consume()
    meter = meter_for(place.documents, user.id, settings().monthly_budget_usd, Usage())
    moments = search_moments(place.documents, user.id, q, origin, meter, lambda done, message: None)
    end = start + limit
    next_cursor = write_offset(MOMENTS, end) if end < len(moments) else None
    return {"moments": [moment_info(moment) for moment in moments[start:end]], "cursor": next_cursor}


def moment_info(moment: Moment) -> dict[str, Any]:
    passage, time = moment.passage, moment.line.start
    return {
        "video_id": passage.video_id,
        "title": video_title(moment.video) or moment.video.filename,
        "time": time,
        "origin": passage.origin,
        "text": moment.line.text,
        "words": moment.words,
        "start": passage.start,
        "end": passage.end,
        "passage": passage.text,
        "thumbnail": moment.frame.name if moment.frame else None,
        "link": moment_link(passage.video_id, time),
    }
