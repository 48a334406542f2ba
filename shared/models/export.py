"""Options and results of a dataset export."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Model
from shared.models.dataset import ImageRecord

ExportFormat = Literal["zip", "webdataset", "parquet", "coco", "sheet"]
ACCEPTED, NOT_CHECKED = "accepted", "not_checked"


class ExportOptions(Model):
    """The options of a dataset export."""

    format: ExportFormat = Field(
        description="`zip`: images with their metadata. `webdataset`: the same as tar shards. `parquet`, `coco`:"
        " metadata only. `sheet`: a page with thumbnails of accepted and rejected images, by reason."
    )
    include: list[str] = Field(
        [ACCEPTED],
        max_length=30,
        description="Verdicts of the images to export: `accepted`, `not_checked`, or names of checks such as `blurry`"
        " for images with findings of these checks only.",
    )
    train: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Share of images in the split `train`. The shares add up to 1; near duplicates share a split.",
    )
    val: float = Field(0.1, ge=0, le=1, description="Share of images in the split `val`.")
    test: float = Field(0.1, ge=0, le=1, description="Share of images in the split `test`.")

    @model_validator(mode="after")
    def check_shares(self) -> Self:
        if abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError("train, val and test must add up to 1")
        return self

    def includes(self, record: ImageRecord) -> bool:
        if record.verdict is None:
            return NOT_CHECKED in self.include
        if record.verdict.accepted:
            return ACCEPTED in self.include
        return all(finding.check in self.include for finding in record.verdict.findings)


class ExportedFile(Model):
    name: str
    size: int


class ExportResult(Model):
    files: list[ExportedFile]
    images: int = 0
    splits: dict[str, int] = {}
