"""Stage `crawl`: downloads images for keywords and from lists, in chunks.

Triggered by: topic `crawl-requested`, once for the run and once for each chunk. Reads: the dataset, its lists in
`media/{dataset}/lists/`. Writes: `media/{dataset}/crawl/` (the result pages of sources), `media/{dataset}/images/`, the
documents of images, the dataset's progress. Triggers: its own chunks, in one or more rounds, then `validate`.
"""

from __future__ import annotations

from collections.abc import Callable

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.chunks import crawl_progress, plan_next_round
from shared.datasets.runs import VALIDATE, plan_validation, raise_first_error, sync_dataset, sync_dataset_of_run
from shared.datasets.store import read_dataset
from shared.models.dataset import Chunk
from shared.models.events import job_of
from shared.models.job import Job, Part, StageStatus
from shared.pipeline.divided_stage import DividedStage
from shared.pipeline.division import PartRun, run_divided_stage
from shared.pipeline.parts import change_part, part_id, reopen_part
from shared.pipeline.stage_run import StageRun
from shared.platform.place import current_place


@functions_framework.cloud_event
def crawl(event: CloudEvent) -> None:
    try:
        run_divided_stage(
            event,
            DividedStage("crawl", crawl_part, record_progress, join_chunks, tolerant=True, on_update=sync_dataset),
        )
    finally:
        sync_dataset_of_run(current_place(), job_of(event))


def crawl_part(run: PartRun) -> None:
    from shared.datasets.crawler import crawl_chunk

    crawl_chunk(run)


def record_progress(job: Job, parts: list[Part]) -> None:
    job.result = crawl_progress(parts).to_document()


def join_chunks(run: StageRun, parts: list[Part]) -> None:
    """Start another round if images are missing and a source may have more; otherwise continue to validation."""
    dataset = read_dataset(run.place.documents, run.job.id)
    chunks = [Chunk.read(part.outcome or {}) for part in parts]
    failed = [index for index, part in enumerate(parts) if part.status is StageStatus.FAILED]
    if quotas := plan_next_round(dataset.max_images, chunks, failed):
        for part, quota in quotas.items():
            change_part(
                run.place.documents, part_id(run.job.id, run.stage, parts[part].number), reopen_with_quota(quota)
            )
        run.repeat = True
        return
    if len(failed) == len(parts) and not any(chunk.tally.downloaded for chunk in chunks):
        raise_first_error(parts)
    numbers = [part.number for part, chunk in zip(parts, chunks, strict=True) if chunk.tally.downloaded]
    count = plan_validation(run.place.documents, run.job, numbers)

    def record_result(job: Job) -> None:
        job.result = crawl_progress(parts, ended=True).to_document()
        job.stages[VALIDATE].parts = count

    run.add_result(record_result)


def reopen_with_quota(quota: int) -> Callable[[Part], bool]:
    """Return a change that sets a chunk's quota and reopens the chunk."""

    def change(part: Part) -> bool:
        chunk = Chunk.read(part.outcome or {})
        chunk.quota = quota
        part.outcome = chunk.to_document()
        return reopen_part(part)

    return change
