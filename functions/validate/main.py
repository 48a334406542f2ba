"""Stage `validate`: checks each image, and finds near duplicates.

Triggered by: topic `validation-requested`, once for the run and once for each chunk. Reads: the dataset, the documents
of its images, `media/{dataset}/images/`. Writes: verdicts and groups into the images' documents, the dataset's
progress; deletes nothing. Triggers: its own chunks. It is the last stage of a dataset.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.progress import chunk_counts, validation_progress
from shared.datasets.runs import raise_first_error, sync_dataset, sync_dataset_of_run
from shared.datasets.validating import validate_chunk, validate_dataset
from shared.models.crawl import Progress
from shared.models.events import job_of
from shared.models.job import Job, Part, StageStatus
from shared.pipeline.division import Division, perform_divided
from shared.pipeline.run import StageRun
from shared.platform.connect import platform


@functions_framework.cloud_event
def validate(event: CloudEvent) -> None:
    try:
        perform_divided(
            event, Division("validate", validate_chunk, record_progress, join_chunks, tolerant=True, told=sync_dataset)
        )
    finally:
        sync_dataset_of_run(platform(), job_of(event))


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

    run.leave(record_validation)
