"""Image datasets: what is searched for, what was found, what came of each image."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.models.base import Model

Level = Literal["fast", "medium", "slow"]
"""How closely images are looked at; each level includes those before it."""


class DatasetStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Filters(Model):
    """What an image must be like to be kept. What is left out does not matter."""

    min_width: int | None = None
    min_height: int | None = None
    max_aspect: float | None = Field(None, ge=1, description="Longer over shorter side.")
    formats: list[Literal["jpeg", "png", "webp", "gif", "bmp", "tiff"]] = Field([], description="Empty = all of them.")
    licences: list[str] = Field([], description="E.g. `cc0`, `by`, `by-sa`; empty = any, and unknown ones.")


class ImageState(StrEnum):
    PENDING = "pending"
    """Somebody is at it; none is left when the chunk is done."""
    DOWNLOADED = "downloaded"
    REJECTED = "rejected"


class Finding(Model):
    """Something that a check says of an image."""

    check: str = Field(description="E.g. `blurry`, `near_duplicate`.")
    level: Level
    score: float | None = Field(None, description="What was measured, in the unit of the check.")
    limit: float | None = Field(None, description="Beyond which it is a finding.")
    of: str | None = Field(None, description="The image that this one duplicates.")
    note: str | None = Field(None, description="What is wrong in a few words, where a number does not say it.")


class Verdict(Model):
    """What validation says of an image: nothing is deleted for it."""

    accepted: bool
    level: Level
    findings: list[Finding] = Field([], description="Why it is not accepted, worst first.")
    checked_at: datetime


class ImageRecord(Model):
    """An image that a source named, and what came of it: a document of its own, keyed by dataset and URL."""

    id: str
    dataset_id: str
    owner: str
    url: str = Field(description="Of the image.")
    page_url: str | None = Field(None, description="Where it is shown.")
    source: str = Field(description="Which engine named it first.")
    keyword: str | None = None
    title: str | None = None
    author: str | None = None
    licence: str | None = Field(None, description="In lower case as the source names it, e.g. `by-sa 4.0`.")
    licence_url: str | None = None
    state: ImageState
    reason: str | None = Field(None, description="Why it was rejected, e.g. `http_404`, `robots`, `duplicate`.")
    chunk: int
    position: int = Field(0, description="Place among the chunk's candidates: with `chunk` it says who came first.")
    of: str | None = Field(None, description="The image that has the same bytes, of one rejected as `duplicate`.")
    content_type: str | None = Field(None, description="As the server declared it.")
    sha256: str | None = Field(None, description="Of the bytes as they were downloaded.")
    media: str | None = Field(None, description="Object in the media bucket.")
    size_bytes: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    phash: str | None = Field(None, description="64-bit perceptual hash, 16 hexadecimal digits.")
    features: list[float] | None = Field(None, description="Colour, texture and shape, by which outliers are found.")
    group: str | None = Field(None, description="Near duplicates have the same; the id of the one that is kept.")
    verdict: Verdict | None = None
    created_at: datetime
