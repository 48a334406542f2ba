"""Stage `download`: from a URL to the same bucket that uploads go to.

Triggered by: topic `video-requested`. Reads: the URL's server. Writes: `uploads/{job}/source`.
Sets off: `extract`, by the object being finalized.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.models.events import job_of
from shared.models.job import Job
from shared.pipeline.contract import perform
from shared.pipeline.paths import UPLOADS, source_name
from shared.pipeline.run import StageRun
from shared.settings import settings


@functions_framework.cloud_event
def download(event: CloudEvent) -> None:
    perform(event, "download", job_of(event), download_video)


def download_video(run: StageRun) -> None:
    from shared.sources.http import fetch

    assert run.job.url is not None  # noqa: S101  # only jobs with a URL have this stage
    fetched = fetch(run.job.url, run.workspace / "source", settings(), run.part(0, 0.9))

    def describe(job: Job) -> None:
        job.filename = job.video.filename = fetched.filename
        job.video.content_type = fetched.content_type

    # Written before the bytes are: their event may set off `extract` before this stage has said that it is done.
    run.leave(describe, now=True)
    run.platform.objects.put(UPLOADS, source_name(run.job.id), fetched.path, fetched.content_type)
