"""Request and response models of batches."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from functions.api.job_summaries import JobSummary
from functions.api.request_models import MAX_INTEGER, LinkText, RequestModel, Tags
from functions.api.schemas import NEXT_PAGE, AnalysisRequest, JobRequest, OptionValue, public_model
from shared.models import Model
from shared.models.batch import HIDDEN, Batch
from shared.pipeline.batches import MAX_ITEMS
from shared.security.filenames import safe_filename

NO_DEPRECATED_NAMES = ConfigDict(json_schema_extra=None)
PublicBatch = public_model(
    "Batch",
    Batch,
    set(HIDDEN),
    options=(dict[str, OptionValue], Field({}, description=Batch.model_fields["options"].description)),
)


class BatchFile(RequestModel):
    """A file of a batch, to be uploaded afterwards."""

    model_config = NO_DEPRECATED_NAMES

    filename: Annotated[str | None, AfterValidator(safe_filename)] = Field(
        None, description="Name of the file. It is displayed and never used as a path.", examples=["soup.mp4"]
    )
    content_type: str = Field(description="Media type of the file.", examples=["video/mp4"])
    size: Annotated[int, AfterValidator(lambda size: min(size, MAX_INTEGER))] = Field(
        gt=0, description="Size of the file in bytes.", examples=[7340032]
    )
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the file, in lower-case hex digits. With it, a file that a job of yours has analyzed "
        "in the same way is not uploaded again.",
    )


class BatchRequest(AnalysisRequest):
    """Many videos for the same analysis."""

    model_config = NO_DEPRECATED_NAMES

    urls: list[LinkText] = Field(
        [],
        max_length=MAX_ITEMS,
        description="URLs of videos, and of playlists, channels and profiles, whose videos join the batch. The newest "
        "of a channel or a profile are taken, and the first of a playlist.",
        examples=[["https://example.com/soup.mp4", "https://www.youtube.com/@kitchen"]],
    )
    files: list[BatchFile] = Field(
        [], max_length=MAX_ITEMS, description="Files to upload: see POST /v1/batches/{batch_id}/files/{index}/upload."
    )
    max_videos: int = Field(50, ge=1, le=MAX_ITEMS, description="Maximum number of videos to take from each list.")
    keep_source: bool | None = Field(None, description=JobRequest.model_fields["keep_source"].description)
    tags: Tags = Field([], description="Tags of each video, used by search.")
    fresh: bool = Field(False, description="Process videos again that a job of yours has already finished.")

    @model_validator(mode="after")
    def check_size(self) -> BatchRequest:
        """Require between one and MAX_ITEMS items."""
        count = len(self.urls) + len(self.files)
        if not 1 <= count <= MAX_ITEMS:
            raise ValueError(f"a batch has 1 to {MAX_ITEMS} URLs and files; this one has {count}")
        return self


class BatchItemInfo(Model):
    """A video of a batch, and its job."""

    index: int = Field(description="Position in the batch, from 0: files first, then URLs, then videos of lists.")
    url: str | None = Field(description="URL of the video. Null for a file.")
    filename: str | None = Field(description="Name of the file. Null for a URL.")
    status: Literal["waiting", "queued", "running", "done", "failed", "cancelled", "deleted"] = Field(
        description="Status of the job; `waiting` if there is none yet, `deleted` if there is none any more."
    )
    known: bool = Field(description="Whether the job is an earlier one of yours, so that nothing was submitted again.")
    upload_state: str | None = Field(description="`upload.state` of the job of a file. Null if there is none.")
    error: str | None = Field(description="Why the job failed, for people. Null unless it did.")
    job: JobSummary | None = Field(description="The job. Null if there is none.")


class BatchItemPage(BaseModel):
    items: list[BatchItemInfo] = Field(description="Items in the order of their index.")
    cursor: str | None = Field(description=NEXT_PAGE)


class BatchPage(BaseModel):
    batches: list[PublicBatch] = Field(description="Batches, newest first.")  # type: ignore[valid-type]
    cursor: str | None = Field(description=NEXT_PAGE)
