"""Once a minute: whatever got stuck, ran out of time or is no longer to be kept.

Triggered by: topic `sweep-tick`, from the scheduler. Reads: jobs whose wake time has come, users who have left. Writes:
these jobs; deletes old sources, what those users had, images of deleted datasets. Sets off: any stage that a lost event
left waiting.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.erasing import erase_deleted
from shared.library.erasure import erase_departed
from shared.pipeline.sweep import sweep as sweep_jobs
from shared.platform.connect import platform


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    sweep_jobs(platform())
    erase_departed(platform())
    erase_deleted(platform())
