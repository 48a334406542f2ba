"""Uploads of large files straight to storage, in one request or resumable."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import intake
from functions.api.access import Place, Starts
from functions.api.bodies import read_json
from functions.api.frame import request_trace
from functions.api.identity import Caller
from functions.api.openapi import body, problems
from functions.api.origins import frontend_origins
from functions.api.schemas import UploadTicket, UploadWish

router = APIRouter(prefix="/v1/uploads", tags=["jobs"], responses=problems(401, 403, 422))


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
    responses=problems(400, 413, 415, 503),
    openapi_extra=body(application__json="UploadWish"),
)
async def start_upload(request: Request, user: Caller, place: Place, starts: Starts) -> Response:
    wish = await read_json(request, UploadWish)
    origin = request.headers.get("origin")
    page = origin if origin in frontend_origins() else None
    trace = request_trace(request.scope)
    job, session = await run_in_threadpool(intake.open_upload, place, user, wish, page, trace, starts)
    ticket = {
        "job": job.public(),
        "upload_url": session.url,
        "method": session.method,
        "headers": session.headers,
        "expires_at": session.expires_at.isoformat().replace("+00:00", "Z"),
    }
    return JSONResponse(ticket, 201, {"Location": f"/v1/jobs/{job.id}"})
