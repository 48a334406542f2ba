"""What is exported of a dataset, and into which files."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.models.base import Model
from shared.models.dataset import ImageRecord

Format = Literal["zip", "webdataset", "parquet", "coco", "sheet"]
ACCEPTED, NOT_CHECKED = "accepted", "not_checked"


class ExportOptions(Model):
    format: Format = Field(
        description="`zip`: images with their facts. `webdataset`: the same as tar shards. `parquet`, `coco`: facts"
        " alone. `sheet`: a page with small pictures of accepted and rejected images, by reason."
    )
    include: list[str] = Field(
        [ACCEPTED],
        max_length=30,
        description="Images with which verdicts: `accepted`; `not_checked`; names of checks, for images with nothing"
        " else against them, e.g. `blurry`.",
    )
    train: float = Field(0.8, ge=0, le=1, description="Share of the images; near duplicates stay together.")
    val: float = Field(0.1, ge=0, le=1)
    test: float = Field(0.1, ge=0, le=1)

    @model_validator(mode="after")
    def whole(self) -> Self:
        if abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError("train, val and test must add up to 1")
        return self

    def chooses(self, record: ImageRecord) -> bool:
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
