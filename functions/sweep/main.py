"""Recovers stuck jobs and deletes expired data, once a minute.

Triggered by: topic `sweep-tick`, from the scheduler. Reads: jobs whose wake time has come, deleted accounts. Writes:
these jobs; deletes old sources, the data of deleted accounts, images of deleted datasets. Triggers: any stage whose
event was lost.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.store import continue_erasures
from shared.library.deletion import erase_departed_users
from shared.pipeline.sweep import sweep as sweep_jobs
from shared.platform.place import current_place


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    place = current_place()
    sweep_jobs(place)
    erase_departed_users(place)
    continue_erasures(place)
