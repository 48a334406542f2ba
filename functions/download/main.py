"""Stage `download`: downloads a URL into the bucket that holds uploads.

Triggered by: topic `video-requested`. Reads: the URL's server, or a downloader for its platform.
Writes: `uploads/{job}/source`, `media/{job}/captions.json`, the owner's month in `spending`.
Triggers: `extract`, by the object being finalized.

A message that names a batch has one of its playlists, channels or profiles read instead; the videos join the batch, and
`release` is triggered.

A public video that the provider reads from its link is not downloaded: this writes `media/{job}/extract.json` instead,
and triggers `transcribe` by topic `audio-extracted`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework
from cloudevents.http import CloudEvent

from shared.analyses.kinds import kind_named
from shared.logs import log_context
from shared.models.events import job_of, message_of
from shared.models.job import Job
from shared.models.media import MediaInfo
from shared.models.video import Extraction
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import CAPTIONS, EXTRACTION, UPLOADS, source_name, store_json
from shared.pipeline.stage_run import StageRun
from shared.platform.place import current_place
from shared.platform.video_limits import job_settings
from shared.progress import tick_within
from shared.settings import settings
from shared.wiring import DOWNLOAD, EXTRACT

if TYPE_CHECKING:
    from shared.sources.video.source import FetchedFile


@functions_framework.cloud_event
def download(event: CloudEvent) -> None:
    """Download the video of a job, or read a list of a batch."""
    message = message_of(event)
    if isinstance(batch_id := message.get("batchId"), str):
        from functions.download.batch_lists import add_list_to_batch

        with log_context(batch=batch_id, event=event["id"]):
            add_list_to_batch(current_place(), batch_id, int(message["list"]))
        return
    run_stage(event, DOWNLOAD, job_of(event), download_video)


def download_video(run: StageRun) -> None:
    from shared.ai.usage import spending_account
    from shared.sources.video.fetcher import fetch_video

    assert run.job.url is not None  # noqa: S101  # only jobs with a URL have this stage
    kind = kind_named(run.job.kind)
    if run.job.link_allowed and store_linked_video(run, run.job.url):
        return
    account = spending_account(run.place.documents, run.job.owner, settings().monthly_budget_usd)
    tick = tick_within(run.tick, 0, 0.9)
    limits = job_settings(run.job, settings())
    fetched = fetch_video(run.job.url, run.workspace, limits, kind.needs_video, tick, account)
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


def store_linked_video(run: StageRun, url: str) -> bool:
    """Store what the page says of a video that the provider reads from its link; False if it has to be downloaded."""
    from shared.sources.video.linked import read_linked_video

    video = read_linked_video(url, settings(), settings().max_speech_duration_sec, tick_within(run.tick, 0, 0.5))
    if video is None:
        return False
    info = MediaInfo(container="link", size_bytes=0, duration_sec=video.duration_sec, has_video=True, has_audio=True)
    extraction = Extraction(
        info=info, link=video.url, thumbnail=None, shots=[], frames=[], samples=[], audio=None, transcript=[]
    )
    store_json(run.place.objects, run.job.id, EXTRACTION, extraction.to_json())
    store_json(run.place.objects, run.job.id, CAPTIONS, video.captions.to_json())

    def record_link(job: Job) -> None:
        job.video.title, job.video.author, job.video.caption = video.title, video.author, video.caption
        job.video.origin, job.video.captions, job.video.info = video.origin, CAPTIONS, info
        job.stages.pop(EXTRACT, None)
        job.source_deleted = True

    run.add_result(record_link)
    return True
