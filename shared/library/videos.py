"""A user's videos. A video is identified by the job that brought it; other jobs may analyze it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from shared.analyses.kinds import Kind, kind_named
from shared.errors import NotFound
from shared.exports.job_content import JobContent
from shared.models.job import AUDIO_TRACK, SUBTITLE_TRACK, Job, StageState, StageStatus, words_in
from shared.models.video import Extraction, Transcript
from shared.pipeline import lifecycle
from shared.pipeline.job_storage import (
    EXTRACTION,
    JOBS,
    MEDIA,
    SCREEN_TEXT,
    TRANSCRIPT,
    UPLOADS,
    load_json,
    media_name,
    media_prefix,
    source_name,
)
from shared.pipeline.jobs import change_job, outgoing_message
from shared.pipeline.lifecycle import JobStateError
from shared.platform.ports import Documents, Filter, Place
from shared.settings import settings
from shared.wiring import EXTRACT, TRANSCRIBE

COPIES_AT_ONCE = 16
ANALYSIS_MEDIA = ("result.json", SCREEN_TEXT, "audio/")
"""Media of a job's analysis, not of its video."""


def read_own_video(place: Place, video_id: str, owner: str) -> Job:
    """Return the job that brought the video; raises NotFound for any other job and for another user's video."""
    job = lifecycle.read_own_job(place, video_id, owner)
    if job.of_video is not None:
        raise NotFound(video_id)
    return job


def search_videos(
    documents: Documents, owner: str, query: str, limit: int, cursor: str | None
) -> tuple[list[Job], str | None]:
    """Return a page of the owner's videos, newest first, and the cursor of the next page.

    With words in `query`, only videos that have all of them; a page may then contain fewer than `limit`.
    Raises PermanentError `bad_cursor`.
    """
    filters: list[Filter] = [("owner", "==", owner), ("ofVideo", "==", None)]
    words = words_in(query)
    if words:
        filters.append(("search", "array_contains", max(words, key=len)))
    page = documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    jobs = [Job.read(document.data) for document in page.documents]
    return [job for job in jobs if set(words) <= set(job.search)], page.cursor


def thumbnail_link(place: Place, job: Job) -> str | None:
    """Return a signed link to the video's thumbnail, valid for SIGNED_LINK_TTL_SEC; None without a thumbnail."""
    if job.video.thumbnail is None:
        return None
    name = media_name(job.id, job.video.thumbnail.name)
    return place.objects.signed_url(MEDIA, name, settings().signed_link_ttl_sec)


def video_analyses(documents: Documents, video: Job) -> list[Job]:
    """Return all jobs about the video: its own first, then by creation time."""
    reanalyses = [Job.read(document.data) for document in lifecycle.reanalysis_documents(documents, video.id)]
    return [video, *sorted(reanalyses, key=lambda job: job.created_at)]


def read_transcript(place: Place, video: Job) -> Transcript:
    """Return the whole transcript; raises PermanentError `not_done`, `no_transcript`."""
    return JobContent(place.objects, video).full_transcript()


def update_video_details(documents: Documents, video_id: str, **fields: Any) -> Job:
    """Change title, description, tags or names of speakers in all jobs about the video; raises NotFound."""

    def change(job: Job) -> bool:
        for name, value in fields.items():
            setattr(job, name, value)
        return True

    video = change_job(documents, video_id, change)
    for document in lifecycle.reanalysis_documents(documents, video_id):
        with suppress(NotFound):  # deleted meanwhile
            change_job(documents, document.id, change)
    return video


def reanalyze_video(place: Place, video: Job, kind_name: str, language: str, **plan_options: Any) -> Job:
    """Start a job of another kind about the same video, without another upload.

    The job reuses the video's extraction if that is sufficient for the kind; else it starts from the stored source.

    Raises:
        PermanentError: `unknown_kind`.
        JobStateError: `not_extracted`: the video was not extracted yet. `source_gone`: its extraction is not
            sufficient, and its source is no longer stored. `source_gone` also for a video that was not downloaded,
            because its provider read it from its link.
    """
    kind = kind_named(kind_name)
    is_extracted = video.stages[EXTRACT].status is StageStatus.DONE if EXTRACT in video.stages else video.video.info
    if not is_extracted:
        raise JobStateError("not_extracted", "This video has not been processed yet. Wait until its first job is done.")
    job = lifecycle.plan_job(owner=video.owner, kind=kind_name, language=language, **plan_options)
    job.of_video = video.id
    job.title, job.description = video.title, video.description
    job.tags, job.speakers = video.tags, video.speakers
    extraction = Extraction.read(load_json(place.objects, video.id, EXTRACTION))
    has_transcript = place.objects.stat(MEDIA, media_name(video.id, TRANSCRIPT)) is not None
    names_same_tracks = all(
        name not in job.options or job.options[name] == video.options.get(name)
        for name in (AUDIO_TRACK, SUBTITLE_TRACK)
    )
    if names_same_tracks and is_extraction_sufficient(extraction, has_transcript, kind, kind_named(video.kind)):
        return _continue_from_extraction(place, video, job, kind, has_transcript)
    if extraction.link:
        raise JobStateError(
            "source_gone", "This video was not downloaded. Submit its link again to analyze it in this way."
        )
    return _start_from_source(place, video, job)


def is_extraction_sufficient(extraction: Extraction, has_transcript: bool, kind: Kind, first_kind: Kind) -> bool:
    """Return True if the extraction by a job of `first_kind`, with its transcript, has all that `kind` needs."""
    if extraction.link and kind.needs_file:
        return False
    if kind.needs_video and not extraction.info.has_video:
        return False
    if kind.reads_text and not first_kind.reads_text:
        return False
    return TRANSCRIBE not in kind.stages or has_transcript or extraction.audio is None or extraction.has_transcript


def _continue_from_extraction(place: Place, video: Job, job: Job, kind: Kind, has_transcript: bool) -> Job:
    """Start after the stages that both jobs have in common, with copies of their results."""
    stages = [name for name in kind.stages if name != EXTRACT and not (name == TRANSCRIBE and has_transcript)]
    job.stages = {name: StageState(number=number) for number, name in enumerate(stages, start=1)}
    job.upload = None
    job.video = video.video
    job.outbox = [outgoing_message(stages[0])]
    names = [
        info.name.removeprefix(media_prefix(video.id)) for info in place.objects.list(MEDIA, media_prefix(video.id))
    ]

    def copy(name: str) -> None:
        place.objects.copy(MEDIA, media_name(video.id, name), media_name(job.id, name))

    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE) as threads:
            list(threads.map(copy, (name for name in names if not name.startswith(ANALYSIS_MEDIA))))
    except NotFound:
        # The video is being deleted.
        place.objects.delete_prefix(MEDIA, media_prefix(job.id))
        raise
    return lifecycle.start_job(place, job)


def _start_from_source(place: Place, video: Job, job: Job) -> Job:
    """Start with a copy of the stored source; raises JobStateError `source_gone` without one."""
    source_gone = JobStateError(
        "source_gone", "The video is no longer stored. Submit it again to analyze it in another way."
    )
    if place.objects.stat(UPLOADS, source_name(video.id)) is None:
        raise source_gone
    job.filename = job.video.filename = video.filename
    job.video.content_type = video.video.content_type
    started_job = lifecycle.start_job(place, job)
    try:
        place.objects.copy(UPLOADS, source_name(video.id), source_name(job.id))
    except NotFound:
        lifecycle.delete_job_records(place, job)
        raise source_gone from None
    return started_job
