"""Creates a job of the account DROP_OWNER for each object that the drop bucket receives.

Triggered by: an object finalized in `drop`. Reads: that object. Writes: the job, `uploads/{job}/source`. Triggers:
`extract`, by the object in `uploads`. Nothing writes to `drop`, so that no function can trigger itself.
"""

from __future__ import annotations

import logging
from contextlib import suppress

import functions_framework
from cloudevents.http import CloudEvent

from shared.errors import Conflict, NotFound
from shared.logs import log_context
from shared.models.events import StoredObject, object_of
from shared.models.job import Job, JobError, UploadState
from shared.pipeline import lifecycle
from shared.pipeline.contract import fail_job
from shared.pipeline.idempotency import digest_id
from shared.pipeline.job_storage import DELETED, DROP, UPLOADS, source_name
from shared.pipeline.jobs import change_job
from shared.pipeline.sweep import abort_upload
from shared.platform.place import current_place
from shared.platform.port_checks import check_object_name
from shared.platform.ports import ObjectInfo, Place
from shared.platform.video_limits import native_settings
from shared.security.filenames import safe_filename
from shared.settings import settings
from shared.wiring import EXTRACT

log = logging.getLogger(__name__)
UPLOAD_PARTS = "tmp/parallel_composite_uploads/"
"""Where `gcloud storage cp` and gsutil keep the parts of a large file while they upload it."""
GONE = "The object was replaced or deleted before it was copied. Put it into the drop bucket again."


@functions_framework.cloud_event
def ingest(event: CloudEvent) -> None:
    """Create the job of the object's generation, once, however often its event is delivered."""
    place, dropped = current_place(), object_of(event)
    job_id = dropped_job_id(dropped)
    with log_context(event=event["id"], job=job_id):
        if reason := reason_to_ignore(place, dropped):
            log.warning("object %r is ignored: %s", dropped.name, reason)
            return
        stored = place.objects.stat(DROP, dropped.name)
        if stored is None or stored.generation != dropped.generation:
            end_without_source(place, job_id)
        elif stored.size == 0:
            log.warning("object %r is ignored: it is empty", dropped.name)
        elif place.documents.get(DELETED, job_id) is None:
            submit_object(place, job_id, stored)


def dropped_job_id(dropped: StoredObject) -> str:
    """Return the id of the job that one generation of an object gets."""
    return digest_id(dropped.bucket, dropped.name, dropped.generation)[:32]


def reason_to_ignore(place: Place, dropped: StoredObject) -> str | None:
    """Return why the object becomes no job; None if it is to become one."""
    if dropped.bucket != place.objects.bucket_name(DROP):
        return f"it is in {dropped.bucket}, which is not the drop bucket"
    if not settings().drop_owner:
        return "DROP_OWNER is not set"
    if dropped.name.endswith("/"):
        return "it is a placeholder of a folder"
    if UPLOAD_PARTS in dropped.name:
        return "it is a part of an upload"
    if any(part.startswith(".") for part in dropped.name.split("/")):
        return "it is hidden"
    try:
        check_object_name(DROP, dropped.name)
    except ValueError as error:
        return str(error)
    return None


def submit_object(place: Place, job_id: str, stored: ObjectInfo) -> None:
    """Create the job, and store its source unless an earlier delivery has done so."""
    plan = lifecycle.plan_job(
        owner=settings().drop_owner,
        kind=settings().drop_kind,
        language=settings().default_language,
        filename=safe_filename(stored.name),
        content_type=stored.content_type,
        size=stored.size,
        # Redeliveries store the source of a job that a crash left without.
        upload_ttl_sec=settings().upload_ttl_sec,
        job_id=job_id,
    )
    job = lifecycle.start_job(place, plan)
    if job.status.is_final or job.upload is None or job.upload.state is not UploadState.WAITING:
        return
    limits = native_settings(settings())
    if stored.size > limits.max_file_bytes:
        reject_size(place, job, limits.max_file_size_mb)
        return
    try:
        with suppress(Conflict):
            place.objects.copy_to_bucket(DROP, stored.name, stored.generation, UPLOADS, source_name(job.id))
    except NotFound:
        end_without_source(place, job.id)


def reject_size(place: Place, job: Job, most_mb: int) -> None:
    """Fail the job before its file is copied: `extract` could not hold it."""
    message = f"The file is larger than {most_mb} MB. Send a smaller one."

    def fail(current: Job) -> bool:
        if current.status.is_final:
            return False
        fail_job(current, EXTRACT, JobError(code="too_large", message=message, stage=EXTRACT, retryable=False))
        return True

    lifecycle.send_outbox(place, change_job(place.documents, job.id, fail))


def end_without_source(place: Place, job_id: str) -> None:
    """End the job, if an earlier delivery has created it, because its object is gone before it was copied."""
    log.warning("the object was replaced or deleted; a newer generation has an event of its own")
    abort_upload(place, UPLOADS, source_name(job_id), GONE)
