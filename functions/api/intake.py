"""Creates jobs from requests. Repeated requests return one job, and failures leave no job that waits forever.

All functions block and raise PermanentError `unknown_kind`, JobProblem `key_reused`, and RateLimited if a new job
would exceed the quota: an existing job takes nothing from `starts`.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from typing import Any

from functions.api.bodies import SentFile, too_large
from functions.api.identity import User
from functions.api.schemas import FileWish, UploadWish, UrlWish, Wish, accepted_type
from functions.api.throttle import Quota
from shared.analyses.kinds import kind_named
from shared.errors import Conflict, NotFound, PermanentError, TransientError
from shared.media.file.file_type import HEAD_BYTES, accepted_media_type
from shared.models.job import Job, UploadState
from shared.pipeline import lifecycle, once
from shared.pipeline.jobs import change_job, read_job
from shared.pipeline.paths import UPLOADS, source_name
from shared.platform.ports import Platform, UploadSession
from shared.security.filenames import safe_filename
from shared.security.url_guard import check_url, normalise_url
from shared.settings import settings
from shared.wiring import wiring

log = logging.getLogger(__name__)

UNNAMED: dict[str, object] = {"title": None, "description": None, "tags": []}
"""Fields that do not distinguish two requests for the same video."""


def take_url(platform: Platform, user: User, wish: UrlWish, key: str | None, trace: str | None, starts: Quota) -> Job:
    """Create a job for a URL, or return one that is running or has finished the same analysis.

    Raises PermanentError `url_invalid`, `url_not_allowed`.
    """
    kind = kind_named(wish.kind)
    url = str(check_url(wish.url, settings()))
    link = {"url": normalise_url(url)}
    request = _plain(wish) | link
    wanted = _id_for(platform, user, key, request)
    # The key's own job is its answer, ended or not.
    known = read_job(platform.documents, wanted) if key else None
    if known:
        return known
    same = _plain(wish.model_copy(update={"fresh": False} | UNNAMED)) | link | {"prompt": kind.prompt_version}
    job_id, known = once.answering_job(platform.documents, user.id, same, wanted, fresh=wish.fresh)
    if key and job_id != wanted:
        once.settle_key(platform.documents, user.id, key, request, job_id)
    if known:
        return known
    starts.take()
    return lifecycle.start(platform, _plan(user, wish, job_id, trace, url=url))


def take_file(
    platform: Platform, user: User, wish: FileWish, file: SentFile, key: str | None, trace: str | None, starts: Quota
) -> Job:
    """Create a job for a file that the request contains.

    Raises PermanentError `empty_file`, `unsupported_media`, and TransientError `not_stored`.
    """
    kind_named(wish.kind)
    filename = safe_filename(file.filename)
    content_type = accepted_media_type(file.stream.read(HEAD_BYTES), filename)
    request = {}
    if key:
        file.stream.seek(0)
        sha256 = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a spooled file is one
        request = _plain(wish) | {"filename": filename, "sha256": sha256}
    job_id = _id_for(platform, user, key, request)
    known = read_job(platform.documents, job_id) if key else None
    if known is None:
        starts.take()
        # The request has ended by then, so the bytes can no longer arrive.
        ttl = wiring().functions["api"].timeout_sec
        plan = _plan(
            user, wish, job_id, trace, filename=filename, content_type=content_type, size=file.size, upload_ttl_sec=ttl
        )
        known = lifecycle.start(platform, plan)
    if known.upload and known.upload.state is UploadState.WAITING and not known.status.final:
        file.stream.seek(0)
        return _store(platform, known, file, content_type)
    return known


def open_upload(
    platform: Platform, user: User, wish: UploadWish, origin: str | None, trace: str | None, starts: Quota
) -> tuple[Job, UploadSession]:
    """Create a job that waits for its file, and an upload session.

    Args:
        origin: Origin of the web page that will upload the file, if any.

    Raises PermanentError `too_large`, `unsupported_media`.
    """
    content_type = accepted_type(wish.content_type)
    if content_type is None:
        raise PermanentError(
            "unsupported_media",
            "This file type is not accepted. Send MP4, MOV, WebM, MKV, AVI, MPEG, TS, MP3, M4A, OGG, WAV or FLAC.",
        )
    if wish.size > settings().max_file_bytes:
        raise too_large()
    ttl = settings().upload_ttl_sec
    plan = _plan(
        user,
        wish,
        lifecycle.new_id(),
        trace,
        filename=wish.filename,
        content_type=content_type,
        size=wish.size,
        upload_ttl_sec=ttl,
    )
    starts.take()
    # The session first: without a job it is useless and expires.
    session = platform.objects.start_upload(UPLOADS, source_name(plan.id), content_type, wish.size, ttl, origin)
    return lifecycle.start(platform, plan), session


def _plain(wish: Wish) -> dict[str, Any]:
    """Return the fields for stored digests, without defaults, so that new fields do not change digests."""
    return wish.model_dump(exclude_defaults=True)


def _id_for(platform: Platform, user: User, key: str | None, request: Any) -> str:
    return once.job_for_key(platform.documents, user.id, key, request) if key else lifecycle.new_id()


def _plan(user: User, wish: Wish, job_id: str, trace: str | None, **video: Any) -> Job:
    return lifecycle.plan(
        owner=user.id,
        kind=wish.kind,
        language=wish.language,
        options=wish.options,
        keep_source=wish.keep_source,
        title=wish.title,
        description=wish.description,
        tags=wish.tags,
        job_id=job_id,
        trace=trace,
        **video,
    )


def _received(job: Job) -> bool:
    """Mark the upload as received; returns False if `extract` or the end of the job was faster."""
    if job.status.final or job.upload is None or job.upload.state is not UploadState.WAITING:
        return False
    job.upload.state = UploadState.RECEIVED
    return True


def _store(platform: Platform, job: Job, file: SentFile, content_type: str) -> Job:
    """Store the bytes in the bucket that triggers the pipeline, and return the updated job."""
    name = source_name(job.id)
    try:
        # A twin of this request may be storing the same bytes.
        with suppress(Conflict):
            platform.objects.put(UPLOADS, name, file.stream, content_type, if_generation=0)
    except Exception as error:
        if platform.objects.stat(UPLOADS, name) is None:
            lifecycle.delete(platform, job.id)
            raise TransientError("not_stored", "The video could not be stored. Send it again.") from error
        log.warning("storing was reported as failed, but the bytes of %s are there", job.id, exc_info=error)
    try:
        stored = change_job(platform.documents, job.id, _received)
    except NotFound:
        stored = None
    if stored is None or stored.source_deleted:
        # The job was deleted, or ended long ago by a twin's bytes: these are nobody's.
        platform.objects.delete(UPLOADS, name)
    if stored is None:
        raise TransientError("not_stored", "The job was deleted meanwhile. Send the video again.")
    return stored
