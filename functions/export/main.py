"""Stage `export`: writes a dataset's images and records into files.

Triggered by: topic `export-requested`. Reads: the dataset, its images' documents, `media/{dataset}/images/`. Writes:
`media/{dataset}/exports/{job}/`, and the list of files into the job. It is the only stage of its job.
"""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.export_writer import export_dataset
from shared.models.events import job_of
from shared.pipeline.contract import run_stage


@functions_framework.cloud_event
def export(event: CloudEvent) -> None:
    run_stage(event, "export", job_of(event), export_dataset)
