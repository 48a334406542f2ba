"""Stage `download`: downloads a URL into the bucket that holds uploads.

Triggered by: topic `video-requested`. Reads: the URL's server, or a downloader for its platform.
Writes: `uploads/{job}/source`, `media/{job}/captions.json`. Triggers: `extract`, by the object being finalized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework
from cloudevents.http import CloudEvent

from shared.analyses.kinds import kind_named
from shared.models.events import job_of
from shared.models.job import Job
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import CAPTIONS, UPLOADS, source_name, store_json
from shared.pipeline.stage_run import StageRun
from shared.platform.video_limits import job_settings
from shared.progress import tick_within
from shared.settings import settings
from shared.wiring import DOWNLOAD

if TYPE_CHECKING:
    from shared.sources.video.source import FetchedFile


@functions_framework.cloud_event
def download(event: CloudEvent) -> None:
    run_stage(event, DOWNLOAD, job_of(event), download_video)


def download_video(run: StageRun) -> None:
    from shared.sources.video.fetcher import fetch_video

    assert run.job.url is not None  # noqa: S101  # only jobs with a URL have this stage
    kind = kind_named(run.job.kind)
    limits = job_settings(run.job, settings())
    fetched = fetch_video(run.job.url, run.workspace, limits, kind.needs_video, tick_within(run.tick, 0, 0.9))
    if fetched.captions:
        store_json(run.place.objects, run.job.id, CAPTIONS, fetched.captions.to_json())

    # Record this before storing the bytes: their event may start `extract` before this stage has ended.
    run.add_result(lambda job: record_metadata(job, fetched), now=True)
    run.place.objects.put(UPLOADS, source_name(run.job.id), fetched.path, fetched.content_type)


def record_metadata(job: Job, fetched: FetchedFile) -> None:
    job.filename = job.video.filename = fetched.filename
    job.video.content_type = fetched.content_type
    job.video.title = fetched.title
    job.video.author = fetched.author
    job.video.caption = fetched.caption
    job.video.origin = fetched.origin
    job.video.captions = CAPTIONS if fetched.captions else None
