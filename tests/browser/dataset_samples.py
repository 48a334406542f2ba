"""A dataset with images and verdicts, put into the data of a server that runs."""

from __future__ import annotations

from typing import Any

from shared import clock
from shared.datasets.runs import plan_run
from shared.datasets.store import DATASETS, IMAGES, image_id, image_object_name
from shared.images.inspection import make_finding
from shared.models.dataset import (
    ChunkCounts,
    Dataset,
    DatasetStatus,
    Progress,
    SourceProgress,
    Tally,
    ValidationProgress,
)
from shared.models.image import ImageRecord, ImageState, Verdict
from shared.models.job import JobError, JobStatus
from shared.pipeline.job_storage import JOBS, MEDIA
from shared.pipeline.lifecycle import new_id
from shared.platform.ports import Place
from tests.picture_samples import encoded, scene

BLOCKED = JobError(code="engine_blocked", message="Bing refuses requests.", stage="crawl", retryable=True)


def add_dataset(place: Place, name: str = "Dogs in snow", **fields: Any) -> str:
    """Store a completed dataset of three images, of which one is blurry, with a source that failed; return its id."""
    now = clock.now()
    bing = SourceProgress(found=9, downloaded=3, chunks=ChunkCounts(total=2, failed=1), errors=[BLOCKED])
    progress = Progress(
        stage="validate",
        chunks=ChunkCounts(total=2, completed=1, failed=1),
        images=Tally(found=9, downloaded=3, rejected={"http_404": 4, "robots": 2}),
        sources={"bing": bing},
        validated=ValidationProgress(level="medium", checked=3, accepted=2, findings={"blurry": 1}),
    )
    dataset = Dataset(
        id=new_id(), owner="local", name=name, keywords=["husky snow"], max_images=100, progress=progress, percent=100,
        status=DatasetStatus.COMPLETED, created_at=now, updated_at=now, started_at=now, ended_at=now,
    ).model_copy(update=fields)  # fmt: skip
    run = plan_run(dataset, dataset.id, "crawl", "validate")
    run.status, run.outbox, run.ended_at = JobStatus.DONE, [], now
    place.documents.put(JOBS, run.id, run.to_document())
    place.documents.put(DATASETS, dataset.id, dataset.to_document())
    for number in range(3):
        media = image_object_name(dataset.id, f"{number:064x}", "jpeg")
        place.objects.put(MEDIA, media, encoded(scene(number, (320, 240))), "image/jpeg")
        findings = [make_finding("blurry", score=12, limit=25)] if number == 0 else []
        record = ImageRecord(
            id=image_id(dataset.id, str(number)), dataset_id=dataset.id, owner="local", title=f"{name} {number}",
            url=f"https://images.example/{number}.jpg", source="bing", state=ImageState.DOWNLOADED, chunk=0,
            media=media, width=320, height=240, format="jpeg", size_bytes=1, created_at=now,
            verdict=Verdict(accepted=not findings, level="medium", findings=findings, checked_at=now),
        )  # fmt: skip
        place.documents.put(IMAGES, record.id, record.to_document())
    return dataset.id
