"""Exports of a job's result as a file."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from functions.api.access import OwnJob, PlaceDep
from functions.api.openapi import problem_responses
from shared.exports.formats import FORMATS, format_named
from shared.exports.material import Material
from shared.exports.text import plain
from shared.models.job import Job
from shared.security.filenames import safe_filename

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], responses=problem_responses(401, 403, 422))

MAX_SERVINGS = 1000
NAMES = ", ".join(dict.fromkeys(row.name for row in FORMATS))


@router.get(
    "/export",
    summary="Export a job's result",
    description=(
        "Returns a result or a transcript as a file. Recipes: schema.org JSON-LD (`jsonld`; its image is a short-lived "
        "link). Recipes, reels and summaries: Markdown (`md`) and a printable page (`html`). Every result: `json`; for "
        "a `transcript` job, it contains all segments with their timestamps. Every job with a transcript: `txt`, `srt` "
        "and `vtt`. Returns 409 while the job is not done, or if there is nothing to export in this format."
    ),
    response_class=Response,
    responses={
        200: {"content": {row.media_type.partition(";")[0]: {} for row in FORMATS}, "description": "The file"},
        **problem_responses(404, 409),
    },
)
def export_result(
    job: OwnJob,
    place: PlaceDep,
    format: Annotated[str, Query(max_length=20, description=f"File format, one of: {NAMES}.", examples=["md"])],
    servings: Annotated[
        float | None,
        Query(gt=0, le=MAX_SERVINGS, description="Scale the amounts of a recipe to this number of servings."),
    ] = None,
) -> Response:
    file_format = format_named(format, job.kind)
    text = file_format.write(Material(place.objects, job, servings))
    disposition = "inline" if file_format.policy else "attachment"
    headers = {"Content-Disposition": f"{disposition}; {file_name(job, file_format.name)}"}
    if file_format.policy:
        headers["Content-Security-Policy"] = file_format.policy
    return Response(text.encode(), media_type=file_format.media_type, headers=headers)


def file_name(job: Job, extension: str) -> str:
    """Build the parameters of Content-Disposition (RFC 6266): the title in ASCII, and in full as UTF-8."""
    title = re.sub(r"[/\\]", "-", plain(str((job.result or {}).get("title") or "")))
    full = safe_filename(f"{title.strip(' .') or job.kind}.{extension}") or f"{job.kind}.{extension}"
    ascii_letters = unicodedata.normalize("NFKD", full.removesuffix(f".{extension}")).encode("ascii", "ignore").decode()
    simple = re.sub(r"[^A-Za-z0-9]+", "-", ascii_letters).strip("-") or job.kind
    return f"filename=\"{simple}.{extension}\"; filename*=UTF-8''{quote(full, safe='')}"
