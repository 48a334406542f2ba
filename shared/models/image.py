"""Models of the images of a dataset: filters, records, verdicts, and the limits of the validation checks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.models import Model

Level = Literal["fast", "medium", "slow"]
"""How thoroughly images are validated; each level includes the checks of the ones before."""


MAX_SIDE = 1_000_000
"""Pixels; more than any format of images can hold in memory."""


class Filters(Model):
    """Conditions that an image must meet to be kept. Omitted conditions do not apply."""

    min_width: int | None = Field(None, ge=0, le=MAX_SIDE, description="Minimum width in pixels.")
    min_height: int | None = Field(None, ge=0, le=MAX_SIDE, description="Minimum height in pixels.")
    max_aspect: float | None = Field(
        None, ge=1, allow_inf_nan=False, description="Maximum ratio of the longer to the shorter side."
    )
    formats: list[Literal["jpeg", "png", "webp", "gif", "bmp", "tiff", "avif", "heic"]] = Field(
        [], description="Accepted formats. Empty: all of them."
    )
    licences: list[Annotated[str, Field(max_length=100)]] = Field(
        [],
        max_length=50,
        description="Accepted licences, e.g. `cc0`, `by`, `by-sa`. Empty: any licence, including unknown ones.",
    )


class ImageState(StrEnum):
    PENDING = "pending"
    """In progress; a finished chunk has no such images."""
    DOWNLOADED = "downloaded"
    REJECTED = "rejected"


class ImageFinding(Model):
    """A failed check of an image."""

    check: str = Field(description="Name of the check, e.g. `blurry` or `near_duplicate`.")
    level: Level = Field(description="The lowest level that includes the check.")
    score: float | None = Field(None, description="Measured value, in the unit of the check.")
    limit: float | None = Field(None, description="Limit that the value exceeds or falls below.")
    of: str | None = Field(None, description="Id of the image that this one duplicates.")
    note: str | None = Field(None, description="Short explanation, for checks without a number.")


class Verdict(Model):
    """The verdict of validation on an image. No image is deleted because of it."""

    accepted: bool
    level: Level
    findings: list[ImageFinding] = Field([], description="Why the image is not accepted, worst first.")
    checked_at: datetime


class ImageRecord(Model):
    """A candidate image and its outcome: a separate document, keyed by dataset and URL."""

    id: str
    dataset_id: str
    owner: str
    url: str = Field(description="URL of the image.")
    page_url: str | None = Field(None, description="URL of the page that contains the image.")
    source: str = Field(description="The source that returned the image first.")
    keyword: str | None = None
    title: str | None = None
    author: str | None = None
    licence: str | None = Field(None, description="Licence as the source names it, in lower case, e.g. `by-sa 4.0`.")
    licence_url: str | None = None
    state: ImageState
    reason: str | None = Field(None, description="Why the image was rejected, e.g. `http_404`, `robots`, `duplicate`.")
    chunk: int
    position: int = Field(0, description="Position among the chunk's candidates; with `chunk`, it defines an order.")
    of: str | None = Field(None, description="Id of the image with the same bytes, if rejected as `duplicate`.")
    content_type: str | None = Field(None, description="Media type declared by the server.")
    sha256: str | None = Field(None, description="SHA-256 of the downloaded bytes.")
    media: str | None = Field(None, description="Name of the object in the media bucket.")
    size_bytes: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    phash: str | None = Field(None, description="64-bit perceptual hash, 16 hexadecimal digits.")
    features: list[float] | None = Field(None, description="Color, texture and shape features to detect outliers.")
    group: str | None = Field(None, description="Id of the image kept from a group of near duplicates.")
    verdict: Verdict | None = None
    override: bool | None = Field(
        None, description="Whether the owner accepts the image; None for the verdict of validation."
    )
    created_at: datetime

    def settle_verdict(self) -> None:
        """Set whether the image is accepted: as the owner says, else if it has no findings."""
        if self.verdict:
            self.verdict.accepted = not self.verdict.findings if self.override is None else self.override


class Thresholds(Model):
    """Limits of all validation checks. Null disables a check. docs/decisions/image-checks.md explains the defaults."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False
    )

    min_width: int | None = Field(64, ge=1, le=MAX_SIDE, description="Minimum width in pixels; below it, `too_small`.")
    min_height: int | None = Field(
        64, ge=1, le=MAX_SIDE, description="Minimum height in pixels; below it, `too_small`."
    )
    max_aspect: float | None = Field(
        5.0, ge=1, description="Maximum ratio of the longer to the shorter side; above it, `extreme_aspect`."
    )
    format_agrees: bool = Field(
        False, description="Whether file extension and declared type must match the content; if not, `wrong_format`."
    )
    min_spread: float | None = Field(
        4.0,
        ge=0,
        description="Minimum standard deviation of the channel that varies most, on a scale of 255; below it, `blank`.",
    )
    min_entropy: float | None = Field(
        0.3, ge=0, le=8, description="Minimum entropy of the luma in bits; below it, `low_information`."
    )
    max_dark: float | None = Field(
        0.95, ge=0, le=1, description="Maximum share of pixels with a luma below 32; above it, `underexposed`."
    )
    max_light: float | None = Field(
        0.99, ge=0, le=1, description="Maximum share of pixels with a luma above 215; above it, `overexposed`."
    )
    min_sharpness: float | None = Field(
        25.0,
        ge=0,
        description="Minimum variance of the Laplacian in the sharpest tiles, at 512 pixels, less with motion blur; "
        "below it, `blurry`.",
    )
    max_distance: int | None = Field(
        6,
        ge=0,
        le=16,
        description="Maximum number of differing bits, of 64, between the perceptual hashes of a `near_duplicate`.",
    )
    max_outlier: float | None = Field(
        3.5,
        gt=0,
        description="Maximum distance from the other images, in robust standard deviations; above it, `outlier`.",
    )


MAX_CANDIDATE_TEXT = 8193
"""Characters of each field of a candidate; one more than a URL may have, so that a cut one is rejected."""


def _clean_text(text: str) -> str:
    """Cut the text, and replace halves of surrogate pairs, with which sites cut emoji and which cannot be stored."""
    return text[:MAX_CANDIDATE_TEXT].encode(errors="replace").decode()


SourceText = Annotated[str, AfterValidator(_clean_text)]


class Candidate(Model):
    """An image as a source describes it, before it is fetched."""

    url: SourceText
    page_url: SourceText | None = None
    title: SourceText | None = None
    author: SourceText | None = None
    licence: SourceText | None = Field(None, description="In lower case, e.g. `by-sa 4.0`.")
    licence_url: SourceText | None = None


class CandidatePage(Model):
    """A page of a source's results for a keyword."""

    candidates: list[Candidate]
    last: bool = Field(False, description="Whether this is the last page.")
