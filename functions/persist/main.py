"""Stage `persist`: stores video, result and transcript as separate documents, and completes the job.

Triggered by: topic `analysis-completed`. Reads: the job, `media/{job}/` extract.json, transcript.json, screen.json.
Writes: `videos/{job}`, the kind's collection, the transcript as `segments`, on-screen
text and caption as `screens`, the owner's month in `spending`.
Triggers: nothing; the job ends here.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from cloudevents.http import CloudEvent

from shared.analyses.kinds import Kind, kind_named
from shared.analyses.transcript import explain_empty_result
from shared.chat.passages import index_video
from shared.models.events import job_of
from shared.models.job import EmptyResult, Job
from shared.models.video import Extraction, Transcript
from shared.pipeline.contract import run_stage
from shared.pipeline.job_storage import EXTRACTION, VIDEOS, load_json, load_transcript
from shared.pipeline.stage_run import StageRun
from shared.wiring import PERSIST


@functions_framework.cloud_event
def persist(event: CloudEvent) -> None:
    run_stage(event, PERSIST, job_of(event), persist_result)


def persist_result(run: StageRun) -> None:
    kind = kind_named(run.job.kind)
    transcript = load_transcript(run.place.objects, run.job.id)
    result = run.job.result or derive_result(run, kind, transcript)
    usage = index_video(run, transcript)
    empty = explain_empty_result(kind, result, transcript.gap, offline=run.job.usage.provider == "offline")
    common = {"owner": run.job.owner, "jobId": run.job.id, "kind": kind.name, "createdAt": run.job.created_at}
    common |= {"videoId": run.job.of_video or run.job.id}
    if run.job.of_video is None:
        run.place.documents.put(VIDEOS, run.job.id, common | run.job.video.to_document())
    if kind.collection:
        run.place.documents.put(kind.collection, run.job.id, common | {"usage": usage.to_document()} | result)
    run.add_result(lambda job: record_result(job, result, empty))


def derive_result(run: StageRun, kind: Kind, transcript: Transcript) -> dict[str, Any]:
    """Return the result of a kind without an analyze stage."""
    assert kind.derive is not None  # noqa: S101  # a kind has an analyze stage or this
    extraction = Extraction.read(load_json(run.place.objects, run.job.id, EXTRACTION))
    return kind.derive(extraction, transcript).model_dump(mode="json", by_alias=True)


def record_result(job: Job, result: dict[str, Any], empty: EmptyResult | None) -> None:
    job.result = result
    job.result_empty = empty
