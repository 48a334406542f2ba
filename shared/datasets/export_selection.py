"""Selection of an export: its images, their splits, file names and metadata, and the summary of counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from shared.models.dataset import BY_HAND, NOT_CHECKED
from shared.models.image import ImageRecord, ImageState

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
_EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"} | {name: name for name in ("png", "webp", "gif", "bmp", "avif", "heic")}
_SAFE_STEM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED_NAMES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}


@dataclass(frozen=True)
class SplitShares:
    """Approximate shares of the images; they add up to 1."""

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 0 or abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError(f"{self.train}, {self.val} and {self.test} are not shares of 1")

    def split_of(self, record: ImageRecord) -> Split:
        """Return the split by a hash of the near-duplicate group, else of the bytes, else of the id.

        Near duplicates are always in the same split, and new images never move an image to another split. Shares are
        therefore met only on average: with few images or one large group, they may differ widely.
        """
        hash_key = record.group or record.sha256 or record.id
        position = int.from_bytes(sha256(hash_key.encode()).digest()[:8], "big") / 2**64
        if position < self.train:
            return "train"
        return "val" if position < self.train + self.val or self.test == 0 else "test"


def assign_splits(records: Iterable[ImageRecord], shares: SplitShares) -> dict[str, Split]:
    """Map the ids of the images to their splits."""
    return {record.id: shares.split_of(record) for record in records}


def is_accepted(record: ImageRecord) -> bool:
    """Return whether validation accepted the image."""
    return record.verdict is not None and record.verdict.accepted


@dataclass(frozen=True)
class ExportSpec:
    """The specification of an export.

    Attributes:
        title: Name of the dataset.
        created_at: Time of the export, also of all files in archives, so that the same export has the same bytes.
        is_selected: Whether a downloaded image is exported; the others are only counted.
    """

    title: str
    created_at: datetime
    keywords: tuple[str, ...] = ()
    shares: SplitShares = field(default_factory=SplitShares)
    is_selected: Callable[[ImageRecord], bool] = is_accepted

    def select_records(
        self, records: Iterable[ImageRecord], summary: ExportSummary
    ) -> Iterator[tuple[ImageRecord, Split]]:
        """Yield the selected images with their splits; count all images in `summary`."""
        for record in records:
            if record.state == ImageState.DOWNLOADED and self.is_selected(record):
                part = self.shares.split_of(record)
                summary.count_exported(record, part)
                yield record, part
            else:
                summary.count_left_out(record)


@dataclass
class ExportSummary:
    """Counts of the exported images by several properties, and of the excluded images by reason."""

    images: int = 0
    size_bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    keywords: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def count_exported(self, record: ImageRecord, part: Split) -> None:
        self.images += 1
        self.size_bytes += record.size_bytes or 0
        self.splits[part] += 1
        self.sources[record.source] += 1
        self.licences[record.licence or "unknown"] += 1
        self.keywords[record.keyword or "none"] += 1
        self.formats[record.format or "unknown"] += 1

    def nonempty_splits(self) -> list[Split]:
        """Return the splits that contain images."""
        return [part for part in SPLITS if self.splits[part]]

    def count_left_out(self, record: ImageRecord) -> None:
        self.left_out[exclusion_reason(record)] += 1


def exclusion_reason(record: ImageRecord) -> str:
    """Return why an image is excluded.

    The crawl's reason, `not_checked`, `by_hand`, its worst finding, or `not_chosen`.
    """
    if record.state != ImageState.DOWNLOADED:
        return record.reason or record.state.value
    if record.verdict is None:
        return NOT_CHECKED
    if record.override is False:
        return BY_HAND
    return record.verdict.findings[0].check if record.verdict.findings else "not_chosen"


def sample_key(record: ImageRecord) -> str:
    """Return the id if it is a valid file name on every system; otherwise its valid characters with a hash.

    Allows lowercase letters, digits, `-` and `_`: WebDataset ends a sample's name at the first dot, and some file
    systems ignore case.
    """
    if _SAFE_STEM.fullmatch(record.id) and record.id not in _RESERVED_NAMES:
        return record.id
    stem = re.sub(r"[^a-z0-9_-]+", "-", record.id.lower())[:40].strip("-")
    return f"image-{stem}-{sha256(record.id.encode()).hexdigest()[:16]}"


def file_extension(record: ImageRecord) -> str:
    return _EXTENSIONS.get(record.format or "", "bin")


def archive_path(record: ImageRecord, part: Split) -> str:
    """Return the path of an image in archives of folders."""
    return f"{part}/{sample_key(record)}.{file_extension(record)}"


def image_metadata(record: ImageRecord, part: Split) -> dict[str, Any]:
    """Return the metadata of an image, in JSON types except for its time."""
    verdict = record.verdict
    return {
        "id": record.id,
        "file_name": archive_path(record, part),
        "split": part,
        "url": record.url,
        "page_url": record.page_url,
        "source": record.source,
        "keyword": record.keyword,
        "title": record.title,
        "author": record.author,
        "licence": record.licence,
        "licence_url": record.licence_url,
        "sha256": record.sha256,
        "phash": record.phash,
        "group": record.group,
        "width": record.width,
        "height": record.height,
        "format": record.format,
        "size_bytes": record.size_bytes,
        "accepted": verdict.accepted if verdict else None,
        "level": verdict.level if verdict else None,
        "findings": ",".join(finding.check for finding in verdict.findings) if verdict else None,
        "found_at": record.created_at,
    }


def json_image_metadata(record: ImageRecord, part: Split) -> dict[str, Any]:
    return {**image_metadata(record, part), "found_at": record.created_at.isoformat()}
