"""Recovers the work of a server that stopped or was killed."""

from __future__ import annotations

from collections.abc import Iterator

from shared import clock
from shared.models.job import Job, JobStatus, StageState, StageStatus
from shared.models.webhook import DeliveryStatus, WebhookDelivery
from shared.pipeline.job_storage import JOBS, PARTS
from shared.pipeline.jobs import change_job
from shared.pipeline.parts import change_part
from shared.platform.documents import iterate_query
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.ports import Documents
from shared.webhooks.deliveries import DELIVERIES, change_delivery


def recover_work(place: EmbeddedPlace) -> None:
    """Free what the last server's workers held. The data folder's lock proves that none of them writes any more.

    Their attempts are given back: a stage is not to fail because the machine was restarted under it.
    """
    place.queue.release_all()
    documents = place.place.documents
    for id in _ids_with_status(documents, JOBS, JobStatus.RUNNING):
        change_job(documents, id, _release_job)
    for id in _ids_with_status(documents, PARTS, StageStatus.RUNNING):
        change_part(documents, id, _release_stage)
    for id in _ids_with_status(documents, DELIVERIES, DeliveryStatus.SENDING):
        change_delivery(documents, id, _release_delivery)


def _ids_with_status(documents: Documents, collection: str, status: str) -> Iterator[str]:
    return (document.id for document in iterate_query(documents, collection, [("status", "==", status)]))


def _release_job(job: Job) -> bool:
    released = [_release_stage(state) for state in job.stages.values()]
    job.updated_at = clock.now()
    return any(released)


def _release_delivery(delivery: WebhookDelivery) -> bool:
    delivery.status = DeliveryStatus.PENDING
    delivery.due_at = delivery.wake_at = clock.now()
    delivery.tries -= 1
    return True


def _release_stage(state: StageState) -> bool:
    if state.lease is None:
        return False
    state.lease = None
    state.attempts -= 1
    state.status = StageStatus.PENDING
    state.message = None
    return True
