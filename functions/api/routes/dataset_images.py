"""The images of a dataset, and the files they are written into."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from functions.api.access import Place, Starts, check_id, wrong_cursor
from functions.api.datasets import OwnDataset, PublicImage, shown_image
from functions.api.openapi import problems
from shared.datasets import exported, store
from shared.errors import NotFound
from shared.models.base import Model
from shared.models.crawl import SourceName
from shared.models.dataset import ImageRecord, ImageState
from shared.models.export import ExportOptions, ExportResult
from shared.models.job import Job, JobError, JobStatus
from shared.pipeline.paths import MEDIA
from shared.platform.ports import Platform
from shared.settings import settings

router = APIRouter(prefix="/v1/datasets/{dataset_id}", tags=["datasets"], responses=problems(401, 403, 404, 422))


class ImagePage(BaseModel):
    images: list[PublicImage] = Field(description="In no order that means anything, but always the same.")
    cursor: str | None = Field(description="Give it back to get the next page; null on the last one.")


class ExportFile(Model):
    name: str
    size: int
    url: str = Field(description="A short-lived link, which works without a token.")


class ExportInfo(Model):
    id: str
    status: JobStatus
    progress: int
    options: ExportOptions
    images: int
    splits: dict[str, int]
    files: list[ExportFile] = Field(description="There once it is done.")
    error: JobError | None
    created_at: datetime


class ExportPage(BaseModel):
    exports: list[ExportInfo] = Field(description="Newest first.")
    cursor: str | None


@router.get("/images", summary="List a dataset's images", response_model=ImagePage)
def list_images(
    dataset: OwnDataset,
    place: Place,
    state: ImageState | None = None,
    reason: Annotated[str | None, Query(max_length=100, description="Why it was rejected.")] = None,
    source: SourceName | None = None,
    accepted: Annotated[bool | None, Query(description="What validation says.")] = None,
    check: Annotated[
        str | None, Query(max_length=100, description="With a finding of this check; a page may then hold fewer.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000, description="From the page before.")] = None,
) -> Any:
    wanted = {"state": state, "reason": reason, "source": source, "verdict_accepted": accepted}
    equal = {name: value for name, value in wanted.items() if value is not None}
    try:
        found, after = store.images_page(place.documents, dataset.id, limit, cursor, **equal)
    except ValueError:
        raise wrong_cursor() from None
    return {"images": [shown_image(record) for record in found if has(record, check)], "cursor": after}


def has(record: ImageRecord, check: str | None) -> bool:
    findings = record.verdict.findings if record.verdict else []
    return check is None or any(finding.check == check for finding in findings)


@router.get(
    "/images/{image_id}/media",
    summary="Get an image",
    description="Answers with a short-lived link, which works without a token.",
    status_code=307,
    response_class=RedirectResponse,
)
def image_media(
    dataset: OwnDataset, image_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], place: Place
) -> RedirectResponse:
    stored = place.documents.get(store.IMAGES, image_id)
    record = ImageRecord.read(stored.data) if stored else None
    if record is None or record.dataset_id != dataset.id or record.media is None:
        raise NotFound(image_id)
    return RedirectResponse(place.objects.signed_url(MEDIA, record.media, settings().signed_link_ttl_sec))


@router.post(
    "/exports",
    summary="Have a dataset written into files",
    status_code=202,
    response_model=ExportInfo,
    responses=problems(409),
)
def start_export(dataset: OwnDataset, wish: ExportOptions, place: Place, starts: Starts) -> Any:
    starts.take()
    return shown_export(exported.start_export(place, dataset, wish), dataset.id, place)


@router.get("/exports", summary="List a dataset's exports, newest first", response_model=ExportPage)
def list_exports(
    dataset: OwnDataset,
    place: Place,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000, description="From the page before.")] = None,
) -> Any:
    try:
        found, after = exported.exports_of(place.documents, dataset, limit, cursor)
    except ValueError:
        raise wrong_cursor() from None
    return {"exports": [shown_export(job, dataset.id, place) for job in found], "cursor": after}


@router.get("/exports/{export_id}", summary="Look at an export, and get its files", response_model=ExportInfo)
def show_export(dataset: OwnDataset, export_id: str, place: Place) -> Any:
    return shown_export(exported.own_export(place.documents, dataset, check_id(export_id)), dataset.id, place)


def shown_export(job: Job, dataset_id: str, place: Platform) -> dict[str, Any]:
    result = ExportResult.read(job.result or {"files": []})
    ttl = settings().signed_link_ttl_sec
    files = [
        file.model_dump()
        | {"url": place.objects.signed_url(MEDIA, exported.export_name(dataset_id, job.id, file.name), ttl, file.name)}
        for file in result.files
    ]
    return job.model_dump(include={"id", "status", "progress", "options", "error", "created_at"}) | {
        "images": result.images,
        "splits": result.splits,
        "files": files,
    }
