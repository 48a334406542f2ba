"""Creates batches from requests, opens the uploads of their files, and lists their items. All functions block."""

from __future__ import annotations

from typing import Any

from functions.api.batch_models import BatchItemInfo, BatchRequest
from functions.api.dependencies import CreationKey
from functions.api.job_summaries import summarize_job
from functions.api.rate_limits import Quota
from functions.api.request_bodies import too_large_error
from functions.api.schemas import canonical_media_type
from shared import clock
from shared.ai.fallback import can_read_link
from shared.analyses.kinds import kind_named
from shared.errors import PermanentError
from shared.media.file_type import ACCEPTED_NAMES
from shared.models.batch import Batch, BatchItem, BatchItems, BatchList
from shared.models.job import Job, UploadState
from shared.pipeline.batch_release import open_file_job
from shared.pipeline.batches import KEEP, create_batch, item_job_id, read_batch, read_items
from shared.pipeline.job_storage import UPLOADS, source_name
from shared.pipeline.jobs import read_jobs
from shared.platform.accounts import User
from shared.platform.ports import Place, UploadSession
from shared.platform.video_limits import native_settings
from shared.security.url_guard import check_url
from shared.security.urls import normalise_url
from shared.settings import settings
from shared.sources.video.list_links import parse_list_url

BATCH_BYTES = 262_144
"""Size of a request: its items are stored in one document of at most 1 MiB."""
BATCH_FIELDS = {"urls", "files", "max_videos", "fresh", "tags"}
"""Fields that do not distinguish two analyses of the same video."""


def submit_batch(
    place: Place, user: User, request: BatchRequest, trace: str | None, quota: Quota, key: CreationKey
) -> Batch:
    """Create a batch with all its items, or none: an item that is not valid refuses the request.

    Raises PermanentError `unknown_kind`, `url_invalid`, `url_not_allowed`, `too_large`, `unsupported_media`;
    JobStateError `key_reused`; RateLimited.
    """
    kind = kind_named(request.kind)
    links, lists = _split_urls(request.urls)
    items = [*_file_items(request), *links]
    batch_id = key.reserve_id(request)
    if existing := read_batch(place.documents, batch_id):
        return existing
    quota.consume()
    now = clock.now()
    batch = Batch(
        id=batch_id,
        owner=user.id,
        kind=request.kind,
        language=request.language,
        requested_language=request.requested_language,
        options=request.options,
        keep_source=request.keep_source,
        tags=request.tags,
        lists=lists,
        max_videos=request.max_videos,
        files=len(request.files),
        fresh=request.fresh,
        analysis=request.model_dump(exclude_defaults=True, exclude=BATCH_FIELDS) | {"prompt": kind.prompt_version},
        link_allowed=can_read_link(kind, settings()) and not request.keep_source,
        trace=trace,
        created_at=now,
        updated_at=now,
        expires_at=now + KEEP,
    )
    return create_batch(place, batch, items)


def _split_urls(urls: list[str]) -> tuple[list[BatchItem], list[BatchList]]:
    """Return videos and lists, each once."""
    checked = {normalise_url(str(link)): link for link in (check_url(url, settings()) for url in urls)}
    lists = {page.url: BatchList(url=page.url) for link in checked.values() if (page := parse_list_url(link))}
    links = [BatchItem(url=str(link)) for link in checked.values() if parse_list_url(link) is None]
    return links, list(lists.values())


def _file_items(request: BatchRequest) -> list[BatchItem]:
    limits = native_settings(settings())
    items = []
    for file in request.files:
        content_type = canonical_media_type(file.content_type)
        if content_type is None:
            raise PermanentError(
                "unsupported_media", f"The type {file.content_type!r} is not accepted. Send {ACCEPTED_NAMES}."
            )
        if file.size > limits.max_file_bytes:
            raise too_large_error(limits)
        items.append(BatchItem(filename=file.filename, content_type=content_type, size=file.size, sha256=file.sha256))
    return items


def open_file_upload(place: Place, batch: Batch, index: int, origin: str | None) -> tuple[Job, UploadSession | None]:
    """Return the job of a file and, if it waits for the bytes, a session to upload them. Raises as `open_file_job`."""
    job = open_file_job(place, batch, index)
    upload = job.upload
    if job.status.is_final or upload is None or upload.state is not UploadState.WAITING:
        return job, None
    session = place.objects.start_upload(
        UPLOADS,
        source_name(job.id),
        upload.content_type or "application/octet-stream",
        upload.size or 0,
        settings().upload_ttl_sec,
        origin,
    )
    return job, session


def list_items(place: Place, batch: Batch, start: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """Return the items from `start` on, in JSON form, and where the next page starts."""
    items = read_items(place.documents, batch.id)
    page = list(enumerate(items.items))[start : start + limit]
    jobs = read_jobs(place.documents, [_job_id(batch, items, index) for index, _ in page], batch.owner)
    infos = [_describe_item(batch, items, index, jobs.get(_job_id(batch, items, index))) for index, _ in page]
    return infos, start + limit if start + limit < len(items.items) else None


def _job_id(batch: Batch, items: BatchItems, index: int) -> str:
    return items.known.get(str(index)) or item_job_id(batch.id, index)


def _describe_item(batch: Batch, items: BatchItems, index: int, job: Job | None) -> dict[str, Any]:
    item = items.items[index]
    is_released = index in batch.opened or batch.files <= index < batch.files + batch.released
    return BatchItemInfo.model_validate(
        {
            "index": index,
            "url": item.url,
            "filename": item.filename,
            "status": job.status.value if job else "deleted" if is_released else "waiting",
            "known": str(index) in items.known,
            "upload_state": job.upload.state.value if job and job.upload else None,
            "error": job.error.message if job and job.error else None,
            "job": summarize_job(job) if job else None,
        }
    ).to_json()
