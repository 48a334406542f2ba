"""The jobs that write a dataset into files."""

from __future__ import annotations

from shared.datasets.runs import plan_run
from shared.datasets.store import run_owner
from shared.errors import NotFound
from shared.models.dataset import Dataset, ExportOptions
from shared.models.job import Job
from shared.pipeline import jobs, lifecycle
from shared.pipeline.job_storage import JOBS, media_name
from shared.platform.ports import Documents, Filter, Place

EXPORT = "export"


def export_object_name(dataset_id: str, job_id: str, name: str) -> str:
    """Object in `media` that holds a file of an export."""
    return media_name(dataset_id, f"exports/{job_id}/{name}")


def start_export(place: Place, dataset: Dataset, options: ExportOptions, export_id: str) -> Job:
    """Start writing the dataset's images, as they are now, into files; several exports may run side by side."""
    job = plan_run(dataset, export_id, EXPORT)
    job.kind, job.options = EXPORT, options.to_document()
    return lifecycle.start_job(place, job)


def read_own_export(documents: Documents, dataset: Dataset, export_id: str) -> Job:
    """Raises NotFound for what is none of this dataset."""
    job = jobs.read_job(documents, export_id)
    if job is None or job.kind != EXPORT or job.owner != run_owner(dataset.id):
        raise NotFound(export_id)
    return job


def list_exports(
    documents: Documents, dataset: Dataset, limit: int, cursor: str | None
) -> tuple[list[Job], str | None]:
    """A page, newest first, and where the next one starts. Raises ValueError on a wrong cursor."""
    filters: list[Filter] = [("owner", "==", run_owner(dataset.id)), ("kind", "==", EXPORT)]
    page = documents.query(JOBS, filters, [("createdAt", "desc")], limit, cursor)
    return [Job.read(document.data) for document in page.documents], page.cursor
