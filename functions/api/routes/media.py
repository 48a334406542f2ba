"""Media files of a job."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse

from functions.api.access import OwnJob, PlaceDep
from functions.api.openapi import problem_responses
from shared.errors import NotFound
from shared.pipeline.paths import MEDIA, media_name
from shared.settings import settings

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], responses=problem_responses(401, 403, 422))

# Stages name their files so; no part can be `.` or `..`.
MAX_NAME_LENGTH = 200
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@router.get(
    "/media/{name:path}",
    summary="Download a job's media file",
    description=(
        "Redirects (307) to a short-lived link to a thumbnail, frame, audio or other file of the job. "
        "The link needs no token."
    ),
    status_code=307,
    response_class=RedirectResponse,
    responses=problem_responses(404),
)
def download_media(
    job: OwnJob,
    place: PlaceDep,
    name: Annotated[str, Path(description="Media name, as the job document contains it.", examples=["frames/03.jpg"])],
) -> RedirectResponse:
    stored = media_name(job.id, name)
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or place.objects.stat(MEDIA, stored) is None:
        raise NotFound(stored)
    return RedirectResponse(place.objects.signed_url(MEDIA, stored, settings().signed_link_ttl_sec))
