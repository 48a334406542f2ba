"""Creates jobs from requests. Repeated requests return one job, and failures leave no job that waits forever.

All functions block and raise PermanentError `unknown_kind`, JobStateError `key_reused`, and RateLimited if a new job
would exceed `quota`. Returning an existing job does not consume quota.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from typing import Any

from functions.api.dependencies import CreationKey
from functions.api.rate_limits import Quota
from functions.api.request_bodies import UploadedFile, too_large_error
from functions.api.schemas import FileJobRequest, JobRequest, UploadRequest, UrlJobRequest, canonical_media_type
from shared.ai.fallback import can_read_link
from shared.analyses.kinds import kind_named
from shared.errors import Conflict, NotFound, PermanentError, TransientError
from shared.media.file_type import ACCEPTED_NAMES, HEAD_BYTES, require_media_type
from shared.models.job import Job, UploadState
from shared.pipeline import idempotency as once
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import change_job, read_job
from shared.platform.accounts import User
from shared.platform.ports import Place, UploadSession
from shared.platform.video_limits import native_settings
from shared.security.filenames import safe_filename
from shared.security.url_guard import check_url
from shared.security.urls import normalise_url
from shared.settings import settings
from shared.wiring import wiring

log = logging.getLogger(__name__)
IGNORED_FIELDS: dict[str, object] = {"title": None, "description": None, "tags": []}
"""Fields that do not distinguish two requests for the same video."""


def submit_url(
    place: Place,
    user: User,
    job_request: UrlJobRequest,
    key: str | None,
    trace: str | None,
    quota: Quota,
    *,
    earlier_limits: bool = False,
) -> Job:
    """Create a job for a URL, or return one that is running or has finished the same analysis.

    Args:
        earlier_limits: Whether the limits of the earlier systems' paths apply.

    Raises PermanentError `url_invalid`, `url_not_allowed`.
    """
    kind = kind_named(job_request.kind)
    url = str(check_url(job_request.url, settings()))
    link = {"url": normalise_url(url)}
    request = _digest_fields(job_request) | link
    candidate_id = _job_id_for(place, user, key, request)
    # The job of the key is returned whether or not it has ended.
    existing = read_job(place.documents, candidate_id) if key else None
    if existing:
        return existing
    dedup_key = (
        _digest_fields(job_request.model_copy(update={"fresh": False} | IGNORED_FIELDS))
        | link
        | {"prompt": kind.prompt_version}
    )
    job_id, existing = once.find_or_reserve_job(
        place.documents, user.id, dedup_key, candidate_id, fresh=job_request.fresh
    )
    if key and job_id != candidate_id:
        once.assign_key(place.documents, user.id, key, request, job_id)
    if existing:
        return existing
    quota.consume()
    link_allowed = can_read_link(kind_named(job_request.kind), settings()) and not job_request.keep_source
    plan = _plan_job(
        user, job_request, job_id, trace, url=url, link_allowed=link_allowed, earlier_limits=earlier_limits
    )
    return lifecycle.start_job(place, plan)


def submit_file(
    place: Place,
    user: User,
    job_request: FileJobRequest,
    file: UploadedFile,
    key: str | None,
    trace: str | None,
    quota: Quota,
    *,
    earlier_limits: bool = False,
) -> Job:
    """Create a job for a file that the request contains. Args: as `submit_url`.

    Raises PermanentError `empty_file`, `unsupported_media`, and TransientError `not_stored`.
    """
    kind_named(job_request.kind)
    filename = safe_filename(file.filename)
    content_type = require_media_type(file.stream.read(HEAD_BYTES), filename)
    request = {}
    if key:
        file.stream.seek(0)
        sha256 = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a spooled file is one
        request = _digest_fields(job_request) | {"filename": filename, "sha256": sha256}
    job_id = _job_id_for(place, user, key, request)
    job = read_job(place.documents, job_id) if key else None
    if job is None:
        quota.consume()
        # The request has ended by then, so its bytes can no longer arrive.
        ttl = wiring().functions["api"].timeout_sec
        plan = _plan_job(
            user,
            job_request,
            job_id,
            trace,
            filename=filename,
            content_type=content_type,
            size=file.size,
            upload_ttl_sec=ttl,
            earlier_limits=earlier_limits,
        )
        job = lifecycle.start_job(place, plan)
    if job.upload and job.upload.state is UploadState.WAITING and not job.status.is_final:
        file.stream.seek(0)
        return _store_file(place, job, file, content_type)
    return job


def open_upload(
    place: Place,
    user: User,
    upload_request: UploadRequest,
    origin: str | None,
    trace: str | None,
    quota: Quota,
    key: CreationKey,
) -> tuple[Job, UploadSession]:
    """Create a job that waits for its file, and an upload session. The job of a repeated request gets another session.

    Args:
        origin: Origin of the web page that will upload the file, if any.

    Raises PermanentError `too_large`, `unsupported_media`.
    """
    content_type = canonical_media_type(upload_request.content_type)
    if content_type is None:
        raise PermanentError(
            "unsupported_media",
            f"This file type is not accepted. Send {ACCEPTED_NAMES}.",
        )
    limits = native_settings(settings())
    if upload_request.size > limits.max_file_bytes:
        raise too_large_error(limits)
    ttl = settings().upload_ttl_sec
    plan = _plan_job(
        user,
        upload_request,
        key.reserve_id(upload_request),
        trace,
        filename=upload_request.filename,
        content_type=content_type,
        size=upload_request.size,
        upload_ttl_sec=ttl,
    )
    if not key.is_given or read_job(place.documents, plan.id) is None:
        quota.consume()
    # The session first, since one without a job simply expires.
    session = place.objects.start_upload(UPLOADS, source_name(plan.id), content_type, upload_request.size, ttl, origin)
    return lifecycle.start_job(place, plan), session


def _digest_fields(job_request: JobRequest) -> dict[str, Any]:
    """Return the fields for stored digests, without defaults, so that new fields do not change digests."""
    return job_request.model_dump(exclude_defaults=True)


def _job_id_for(place: Place, user: User, key: str | None, request: Any) -> str:
    return once.id_for_key(place.documents, user.id, key, request) if key else lifecycle.new_id()


def _plan_job(user: User, job_request: JobRequest, job_id: str, trace: str | None, **video: Any) -> Job:
    return lifecycle.plan_job(
        owner=user.id,
        kind=job_request.kind,
        language=job_request.language,
        requested_language=job_request.requested_language,
        options=job_request.options,
        keep_source=job_request.keep_source,
        title=job_request.title,
        description=job_request.description,
        tags=job_request.tags,
        job_id=job_id,
        trace=trace,
        **video,
    )


def _mark_received(job: Job) -> bool:
    """Mark the upload as received; returns False if `extract` or the end of the job was faster."""
    if job.status.is_final or job.upload is None or job.upload.state is not UploadState.WAITING:
        return False
    job.upload.state = UploadState.RECEIVED
    return True


def _store_file(place: Place, job: Job, file: UploadedFile, content_type: str) -> Job:
    """Store the bytes in the bucket that triggers the pipeline, and return the updated job."""
    name = source_name(job.id)
    try:
        # The same request, sent twice, may be storing the same bytes at once.
        with suppress(Conflict):
            place.objects.put(UPLOADS, name, file.stream, content_type, if_generation=0)
    except Exception as error:
        if place.objects.stat(UPLOADS, name) is None:
            lifecycle.delete_job_records(place, job)
            raise TransientError("not_stored", "The video could not be stored. Send it again.") from error
        log.warning("storage reported a failure, but the bytes of %s are stored", job.id, exc_info=error)
    try:
        stored = change_job(place.documents, job.id, _mark_received)
    except NotFound:
        stored = None
    if stored is None or stored.source_deleted:
        # The job was deleted, or has ended with the bytes of a repeated request: no job uses these.
        place.objects.delete(UPLOADS, name)
    if stored is None:
        raise TransientError("not_stored", "The job was deleted meanwhile. Send the video again.")
    return stored
