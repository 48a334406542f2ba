"""Recovers stuck jobs, deletes expired data and counts ended jobs, once a minute.

Triggered by: topic `sweep-tick`, from the scheduler. Reads: jobs whose wake time has come or that ended, deleted
accounts. Writes: these jobs, statistics; deletes old sources, the data of deleted accounts, images of deleted datasets.
Triggers: any stage whose event was lost.
"""

from __future__ import annotations

from functools import partial

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.store import continue_erasures, user_of
from shared.library.deletion import erase_departed_users
from shared.pipeline.statistics import count_ended_jobs
from shared.pipeline.sweep import sweep as sweep_jobs
from shared.platform.place import current_place


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    place = current_place()
    sweep_jobs(place)
    erase_departed_users(place)
    continue_erasures(place)
    count_ended_jobs(place.documents, partial(user_of, place.documents))
