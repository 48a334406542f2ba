"""Once a minute: whatever got stuck, ran out of time or is no longer to be kept.

Triggered by: topic `sweep-tick`, from the scheduler. Reads: jobs whose wake time has come. Writes: these jobs; deletes
old sources. Sets off: any stage that a lost event left waiting.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.pipeline.sweep import sweep as sweep_jobs
from shared.platform.connect import platform


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    sweep_jobs(platform())
