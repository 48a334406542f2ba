"""The images of a dataset, their validation, and exports."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, RedirectResponse

from functions.api.dependencies import Cursor, Idempotency, Limit, PlaceDep, StartQuota, check_id
from functions.api.openapi import problem_responses
from functions.api.request_models import RequestModel
from functions.api.routes.datasets import LevelField, OwnDataset, PublicDataset, dataset_response
from functions.api.schemas import NEXT_PAGE
from shared.datasets import runs, store
from shared.errors import NotFound
from shared.models import Model
from shared.models.dataset import ExportOptions, ExportResult, SourceName
from shared.models.image import ImageFinding, ImageRecord, ImageState, Level
from shared.models.job import Job, JobError, JobStatus
from shared.pipeline.job_storage import MEDIA
from shared.pipeline.jobs import read_job
from shared.platform.ports import Place
from shared.settings import settings

router = APIRouter(
    prefix="/v1/datasets/{dataset_id}", tags=["datasets"], responses=problem_responses(401, 403, 404, 422)
)


class PublicImage(Model):
    """A candidate image and its outcome."""

    id: str = Field(description="Identifier of the image.")
    url: str = Field(description="URL of the image.")
    page_url: str | None = Field(description="URL of the page that contains the image.")
    source: str = Field(description="The source that returned the image first.")
    keyword: str | None = Field(description="The search term that found the image.")
    title: str | None = Field(description="Title of the image.")
    author: str | None = Field(description="Author of the image.")
    licence: str | None = Field(description="Licence as the source names it, in lower case, e.g. `by-sa 4.0`.")
    licence_url: str | None = Field(description="URL of the licence.")
    state: ImageState = Field(description="`pending`, `downloaded` or `rejected`.")
    reason: str | None = Field(description="Why the image was rejected, e.g. `http_404`, `robots` or `duplicate`.")
    of: str | None = Field(description="Id of the image with the same bytes, if this one is a `duplicate`.")
    sha256: str | None = Field(description="SHA-256 of the downloaded bytes.")
    size_bytes: int | None = Field(description="Size in bytes.")
    format: str | None = Field(description="Image format, e.g. `jpeg`.")
    width: int | None = Field(description="Width in pixels.")
    height: int | None = Field(description="Height in pixels.")
    group: str | None = Field(description="Id of the image kept from a group of near duplicates.")
    accepted: bool | None = Field(
        description="Whether the image is accepted, by validation or by you. Null until it is validated."
    )
    level: Level | None = Field(description="The level at which the image was validated.")
    findings: list[ImageFinding] = Field(description="Why validation did not accept the image, worst first.")
    override: bool | None = Field(
        description="Your own verdict, which `accepted` follows. Null: the verdict of validation."
    )


class VerdictRequest(RequestModel):
    accepted: bool | None = Field(
        description="`true` accepts the image, `false` rejects it, null returns to the verdict of validation."
    )


class ImagePage(BaseModel):
    images: list[PublicImage] = Field(description="Images, in a stable but otherwise undefined order.")
    cursor: str | None = Field(description=NEXT_PAGE)


class ValidationRequest(RequestModel):
    level: LevelField = "medium"


class ValidationResponse(Model):
    """A validation that was started."""

    dataset: PublicDataset = Field(description="The dataset.")  # type: ignore[valid-type]
    images_count: int = Field(description="Number of images to validate.")


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
        bool | None, Query(description="Return only images that are accepted (`true`) or are not (`false`).")
    ] = None,
    check: Annotated[
        str | None, Query(max_length=100, description="Return only images with a finding of this check.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Maximum number of items on a page, from 1 to 200.")] = 50,
    cursor: Cursor = None,
) -> Any:
    filters = {"state": state, "reason": reason, "source": source, "verdict_accepted": accepted}
    equal = {name: value for name, value in filters.items() if value is not None}
    items, next_cursor = store.list_images(place.documents, dataset.id, limit, cursor, **equal)
    return {"images": [image_response(record) for record in items if has_finding(record, check)], "cursor": next_cursor}


def image_response(record: ImageRecord) -> dict[str, Any]:
    verdict = record.verdict
    return record.model_dump() | {
        "accepted": verdict.accepted if verdict else None,
        "level": verdict.level if verdict else None,
        "findings": verdict.findings if verdict else [],
    }


def has_finding(record: ImageRecord, check: str | None) -> bool:
    findings = record.verdict.findings if record.verdict else []
    return check is None or any(finding.check == check for finding in findings)


@router.patch(
    "/images/{image_id}",
    summary="Set an image's verdict",
    description=(
        "Accepts or rejects an image by hand. Your verdict outlasts later validations and decides what exports "
        "contain. Returns 409 while the dataset is running, or if the image was not validated."
    ),
    response_model=PublicImage,
    responses=problem_responses(409),
)
def set_verdict(
    dataset: OwnDataset,
    image_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The `id` of the image.")],
    body: VerdictRequest,
    place: PlaceDep,
) -> Any:
    return image_response(store.override_verdict(place.documents, dataset, image_id, body.accepted))


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
    "/validations",
    summary="Validate a dataset's images",
    description="Validates all images again at the given level. Earlier verdicts are replaced; no image is deleted.",
    status_code=202,
    response_model=ValidationResponse,
    responses=problem_responses(409),
)
def validate_dataset(dataset: OwnDataset, body: ValidationRequest, place: PlaceDep, quota: StartQuota) -> Response:
    quota.consume()
    running, count = runs.start_validation(place, dataset, body.level)
    return JSONResponse({"dataset": dataset_response(running), "imagesCount": count}, 202)


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
def start_export(
    dataset: OwnDataset, body: ExportOptions, place: PlaceDep, quota: StartQuota, idempotency: Idempotency
) -> Any:
    export_id = idempotency.reserve_id(body)
    job = read_job(place.documents, export_id)
    if job is None:
        quota.consume()
        job = runs.start_export(place, dataset, body, export_id)
    return export_response(job, dataset.id, place)


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
    items, next_cursor = runs.list_exports(place.documents, dataset, limit, cursor)
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
    return export_response(runs.read_own_export(place.documents, dataset, check_id(export_id)), dataset.id, place)


def export_response(job: Job, dataset_id: str, place: Place) -> dict[str, Any]:
    result = ExportResult.read(job.result or {"files": []})
    ttl = settings().signed_link_ttl_sec
    files = [
        file.model_dump()
        | {
            "url": place.objects.signed_url(
                MEDIA, runs.export_object_name(dataset_id, job.id, file.name), ttl, file.name
            )
        }
        for file in result.files
    ]
    return job.model_dump(include={"id", "status", "progress", "options", "error", "created_at"}) | {
        "images": result.images,
        "splits": result.splits,
        "files": files,
    }
