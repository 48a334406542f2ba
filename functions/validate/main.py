"""Stage `validate`: checks each image, and finds near duplicates.

Triggered by: topic `validation-requested`, once for the run and once for each chunk. Reads: the dataset, the documents
of its images, `media/{dataset}/images/`. Writes: verdicts and groups into the images' documents, the dataset's
progress; deletes nothing. Triggers: its own chunks. It is the last stage of a dataset.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.chunks import chunk_counts, validation_progress
from shared.datasets.runs import raise_first_error, sync_dataset, sync_dataset_of_run
from shared.datasets.validation import validate_chunk, validate_dataset
from shared.models.dataset import Progress
from shared.models.events import job_of
from shared.models.job import Job, Part, StageStatus
from shared.pipeline.divided_stage import DividedStage
from shared.pipeline.division import run_divided_stage
from shared.pipeline.stage_run import StageRun
from shared.platform.place import current_place


@functions_framework.cloud_event
def validate(event: CloudEvent) -> None:
    try:
        run_divided_stage(
            event,
            DividedStage(
                "validate", validate_chunk, record_progress, join_chunks, tolerant=True, on_update=sync_dataset
            ),
        )
    finally:
        sync_dataset_of_run(current_place(), job_of(event))


def record_progress(job: Job, parts: list[Part]) -> None:
    job.result = validation_progress(Progress.read(job.result or {}), job.options["level"], parts).to_document()


def join_chunks(run: StageRun, parts: list[Part]) -> None:
    """Compare all images with each other; for failed chunks, use what is stored about their images."""
    failed = [part for part in parts if part.status is StageStatus.FAILED]
    if failed and len(failed) == len(parts):
        raise_first_error(failed)
    validation = validate_dataset(run)

    def record_validation(job: Job) -> None:
        progress = Progress.read(job.result or {})
        validation.chunks = chunk_counts(parts)
        progress.validated = validation
        job.result = progress.to_document()

    run.add_result(record_validation)
