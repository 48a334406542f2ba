"""Picking up after a server that stopped in the middle of things, killed or not."""

from __future__ import annotations

from shared import clock
from shared.models.job import Job, JobStatus, StageStatus
from shared.pipeline.jobs import change_job
from shared.pipeline.paths import JOBS
from shared.platform.embedded.place import EmbeddedPlace


def resume(place: EmbeddedPlace) -> None:
    """Free what the last server's workers held. The data folder's lock proves that none of them writes any more.

    Their attempts are given back: a stage is not to fail because the machine was restarted under it.
    """
    place.queue.release_all()
    cursor = None
    while True:
        page = place.platform.documents.query(JOBS, [("status", "==", JobStatus.RUNNING)], limit=100, cursor=cursor)
        for document in page.documents:
            change_job(place.platform.documents, document.id, _free)
        if page.cursor is None:
            return
        cursor = page.cursor


def _free(job: Job) -> bool:
    held = [state for state in job.stages.values() if state.lease]
    for state in held:
        state.lease = None
        state.attempts -= 1
        state.status = StageStatus.PENDING
        state.message = None
    job.updated_at = clock.now()
    return bool(held)
