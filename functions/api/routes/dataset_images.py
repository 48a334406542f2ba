"""The images of a dataset, and its exports."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from functions.api.dataset_schemas import OwnDataset, PublicImage, image_response
from functions.api.dependencies import Cursor, Limit, PlaceDep, StartQuota, check_id, cursor_error
from functions.api.openapi import problem_responses
from functions.api.schemas import NEXT_PAGE
from shared.datasets import export_jobs as exported
from shared.datasets import store
from shared.errors import NotFound
from shared.models import Model
from shared.models.dataset import ExportOptions, ExportResult, SourceName
from shared.models.image import ImageRecord, ImageState
from shared.models.job import Job, JobError, JobStatus
from shared.pipeline.job_storage import MEDIA
from shared.platform.ports import Place
from shared.settings import settings

router = APIRouter(
    prefix="/v1/datasets/{dataset_id}", tags=["datasets"], responses=problem_responses(401, 403, 404, 422)
)


class ImagePage(BaseModel):
    images: list[PublicImage] = Field(description="Images, in a stable but otherwise undefined order.")
    cursor: str | None = Field(description=NEXT_PAGE)


class ExportFile(Model):
    """A file of an export."""

    name: str = Field(description="Name of the file.")
    size: int = Field(description="Size in bytes.")
    url: str = Field(description="Short-lived link to the file. It needs no token.")


class ExportInfo(Model):
    """An export of a dataset."""

    id: str = Field(description="Identifier of the export.")
    status: JobStatus = Field(description="Status of the export.")
    progress: int = Field(description="Progress in percent.")
    options: ExportOptions = Field(description="The options the export was created with.")
    images: int = Field(description="Number of exported images. 0 until the export is done.")
    splits: dict[str, int] = Field(description="Number of images in each split: `train`, `val` and `test`.")
    files: list[ExportFile] = Field(description="The exported files. Empty until the export is done.")
    error: JobError | None = Field(description="Why the export failed, if it did.")
    created_at: datetime = Field(description="When the export was created.")


class ExportPage(BaseModel):
    exports: list[ExportInfo] = Field(description="Exports, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


@router.get(
    "/images",
    summary="List a dataset's images",
    description=(
        "Returns the candidate images of a dataset, kept and rejected, that match all given filters. With `check`, a "
        "page may hold fewer than `limit` images although more follow; continue until `cursor` is null."
    ),
    response_model=ImagePage,
)
def list_images(
    dataset: OwnDataset,
    place: PlaceDep,
    state: Annotated[ImageState | None, Query(description="Return only images in this state.")] = None,
    reason: Annotated[
        str | None, Query(max_length=100, description="Return only images rejected for this reason.")
    ] = None,
    source: Annotated[SourceName | None, Query(description="Return only images from this source.")] = None,
    accepted: Annotated[
        bool | None, Query(description="Return only images that validation accepted (`true`) or did not (`false`).")
    ] = None,
    check: Annotated[
        str | None, Query(max_length=100, description="Return only images with a finding of this check.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Maximum number of items on a page, from 1 to 200.")] = 50,
    cursor: Cursor = None,
) -> Any:
    filters = {"state": state, "reason": reason, "source": source, "verdict_accepted": accepted}
    equal = {name: value for name, value in filters.items() if value is not None}
    try:
        items, next_cursor = store.list_images(place.documents, dataset.id, limit, cursor, **equal)
    except ValueError:
        raise cursor_error() from None
    return {"images": [image_response(record) for record in items if has_finding(record, check)], "cursor": next_cursor}


def has_finding(record: ImageRecord, check: str | None) -> bool:
    findings = record.verdict.findings if record.verdict else []
    return check is None or any(finding.check == check for finding in findings)


@router.get(
    "/images/{image_id}/media",
    summary="Download an image",
    description="Redirects (307) to a short-lived link to the image. The link needs no token.",
    status_code=307,
    response_class=RedirectResponse,
)
def download_image(
    dataset: OwnDataset,
    image_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The `id` of the image.")],
    place: PlaceDep,
) -> RedirectResponse:
    stored = place.documents.get(store.IMAGES, image_id)
    record = ImageRecord.read(stored.data) if stored else None
    if record is None or record.dataset_id != dataset.id or record.media is None:
        raise NotFound(image_id)
    return RedirectResponse(place.objects.signed_url(MEDIA, record.media, settings().signed_link_ttl_sec))


@router.post(
    "/exports",
    summary="Create a dataset export",
    description=(
        "Starts to write the current state of a dataset into files. Several exports may run at the same time. "
        "GET /v1/datasets/{dataset_id}/exports/{export_id} returns the files once the export is `done`."
    ),
    status_code=202,
    response_model=ExportInfo,
    responses=problem_responses(409),
)
def start_export(dataset: OwnDataset, body: ExportOptions, place: PlaceDep, quota: StartQuota) -> Any:
    quota.consume()
    return export_response(exported.start_export(place, dataset, body), dataset.id, place)


@router.get(
    "/exports",
    summary="List a dataset's exports",
    description="Returns the exports of a dataset, newest first.",
    response_model=ExportPage,
)
def list_exports(
    dataset: OwnDataset,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Any:
    try:
        items, next_cursor = exported.list_exports(place.documents, dataset, limit, cursor)
    except ValueError:
        raise cursor_error() from None
    return {"exports": [export_response(job, dataset.id, place) for job in items], "cursor": next_cursor}


@router.get(
    "/exports/{export_id}",
    summary="Get a dataset export",
    description="Returns an export and, once it is `done`, short-lived links to its files.",
    response_model=ExportInfo,
)
def get_export(
    dataset: OwnDataset, export_id: Annotated[str, Path(description="The `id` of the export.")], place: PlaceDep
) -> Any:
    return export_response(exported.read_own_export(place.documents, dataset, check_id(export_id)), dataset.id, place)


def export_response(job: Job, dataset_id: str, place: Place) -> dict[str, Any]:
    result = ExportResult.read(job.result or {"files": []})
    ttl = settings().signed_link_ttl_sec
    files = [
        file.model_dump()
        | {
            "url": place.objects.signed_url(
                MEDIA, exported.export_object_name(dataset_id, job.id, file.name), ttl, file.name
            )
        }
        for file in result.files
    ]
    return job.model_dump(include={"id", "status", "progress", "options", "error", "created_at"}) | {
        "images": result.images,
        "splits": result.splits,
        "files": files,
    }
