"""Stage `analyze`: creates the kind's result from the extracted material.

Triggered by: topic `transcript-completed`. Reads: `media/{job}/` extract.json, transcript.json, frames/, samples.zip;
`uploads/{job}/source` if a provider processes the whole video. Writes: `media/{job}/screen.json`; the
result and usage in the job, the owner's month in `spending`. Triggers: `persist` by topic `analysis-completed`.
"""

from __future__ import annotations

from pathlib import Path

import functions_framework
from cloudevents.http import CloudEvent

from shared.ai.fallback import provider_for
from shared.ai.usage import meter_for
from shared.analyses.evidence import Evidence
from shared.analyses.kinds import kind_named
from shared.errors import NotFound, PermanentError
from shared.models.events import job_of
from shared.models.job import Job
from shared.models.video import Extraction
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import (
    EXTRACTION,
    SCREEN_TEXT,
    UPLOADS,
    download_frames,
    load_json,
    load_transcript,
    source_name,
    store_json,
)
from shared.pipeline.sample_archive import download_samples
from shared.pipeline.stage_run import StageRun
from shared.progress import tick_within
from shared.settings import settings
from shared.wiring import ANALYZE

TEXT_SOURCES = {"subtitles": "subtitle", "captions": "subtitle", "speech": "speech"}
"""Name of a text's source in a result, by the source of the transcript."""


@functions_framework.cloud_event
def analyze(event: CloudEvent) -> None:
    run_stage(event, ANALYZE, job_of(event), analyze_video)


def analyze_video(run: StageRun) -> None:
    kind = kind_named(run.job.kind)
    extraction = Extraction.read(load_json(run.place.objects, run.job.id, EXTRACTION))
    run.tick(0.02, "Downloading frames")
    evidence = gather_evidence(run, extraction)
    meter = meter_for(run.place.documents, run.job.owner, settings().monthly_budget_usd, run.job.usage)

    def record_usage(job: Job) -> None:
        """Record the usage of failed attempts too."""
        job.usage = meter.usage

    run.add_result(record_usage)
    provider = provider_for(kind, settings(), meter)
    analysis = provider.analyze(kind, evidence, run.job.language, tick_within(run.tick, 0.1, 0.95))
    result = analysis.result.model_dump(mode="json", by_alias=True)
    # Read in the language of the job; to be searched.
    for screen in evidence.screens.values():
        lines = [{"start": line.start, "end": line.end, "text": line.text} for line in screen.lines]
        store_json(run.place.objects, run.job.id, SCREEN_TEXT, {"lines": lines})

    def record_result(job: Job) -> None:
        job.result = result
        job.usage = analysis.usage

    run.add_result(record_result)


def gather_evidence(run: StageRun, extraction: Extraction) -> Evidence:
    """Download the material of earlier stages for the analysis; the video file only if a provider asks for it."""
    job = run.job
    transcript = load_transcript(run.place.objects, job.id)
    is_stored = extraction.link is None and is_source_stored(run)
    return Evidence(
        info=extraction.info,
        frames=download_frames(run.place.objects, job.id, extraction.frames, run.workspace),
        samples=download_samples(run.place.objects, job.id, extraction.samples, run.workspace),
        transcript=transcript.segments,
        transcript_language=transcript.language,
        transcript_gap=transcript.gap,
        transcript_source=TEXT_SOURCES[transcript.source] if transcript.source else None,
        transcript_model=transcript.model,
        title=job.video.title or extraction.info.tags.title,
        caption=job.video.caption,
        author=job.video.author or extraction.info.tags.artist,
        url=job.url,
        thumbnail=extraction.thumbnail,
        source=(lambda: fetch_source(run)) if is_stored else None,
        source_uri=run.place.objects.google_uri(UPLOADS, source_name(job.source_job)) if is_stored else extraction.link,
        shots=extraction.shots,
        audio=extraction.audio,
        silences=extraction.silences,
        origin=job.video.origin,
    )


def fetch_source(run: StageRun) -> Path:
    """Return the path of the video file; raises PermanentError `source_gone`."""
    path = run.workspace / "source"
    if not path.exists():
        try:
            run.place.objects.download(UPLOADS, source_name(run.job.source_job), path)
        except NotFound:
            raise PermanentError("source_gone", "The video is no longer stored. Submit it again.") from None
    return path


def is_source_stored(run: StageRun) -> bool:
    """Return True if the video file is stored. It may be deleted before its video is analyzed again."""
    source = source_name(run.job.source_job)
    return run.job.source_job == run.job.id or run.place.objects.stat(UPLOADS, source) is not None
