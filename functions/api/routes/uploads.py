"""Uploads of large files straight to storage, in one request or resumable."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import intake
from functions.api.access import PlaceDep, StartQuota
from functions.api.bodies import read_json
from functions.api.frame import request_trace
from functions.api.identity import Caller
from functions.api.openapi import problem_responses, request_body
from functions.api.origins import frontend_origins
from functions.api.schemas import UploadRequest, UploadTicket

router = APIRouter(prefix="/v1/uploads", tags=["jobs"], responses=problem_responses(401, 403, 422))


@router.post(
    "",
    summary="Start an upload",
    description=(
        "Creates a job and a URL to upload its file to. Send the bytes to `upload_url` with `headers`, in one PUT "
        "request or in ranges (the resumable protocol of Cloud Storage). The job starts once all bytes have arrived. "
        "Its `upload.state` is `waiting` until then and `received` afterwards, or `expired` if the bytes did not "
        "arrive before `expires_at`."
    ),
    status_code=201,
    response_model=UploadTicket,
    responses=problem_responses(400, 413, 415, 503),
    openapi_extra=request_body(application__json="UploadWish"),
)
async def start_upload(request: Request, user: Caller, place: PlaceDep, quota: StartQuota) -> Response:
    upload_request = await read_json(request, UploadRequest)
    origin = request.headers.get("origin")
    page_origin = origin if origin in frontend_origins() else None
    trace = request_trace(request.scope)
    job, session = await run_in_threadpool(intake.open_upload, place, user, upload_request, page_origin, trace, quota)
    ticket = {
        "job": job.to_public(),
        "upload_url": session.url,
        "method": session.method,
        "headers": session.headers,
        "expires_at": session.expires_at.isoformat().replace("+00:00", "Z"),
    }
    return JSONResponse(ticket, 201, {"Location": f"/v1/jobs/{job.id}"})
