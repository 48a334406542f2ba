"""What is exported of a dataset, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.datasets.exports.splits import SPLITS, Split, SplitShares
from shared.models.dataset import ImageRecord, ImageState


def is_accepted(record: ImageRecord) -> bool:
    """Whether validation has nothing against the image."""
    return record.verdict is not None and record.verdict.accepted


@dataclass(frozen=True)
class ExportSpec:
    """An export to be made.

    Attributes:
        title: Of the dataset.
        created_at: Of the export; all files in archives bear it, so that the same order gives the same bytes.
        chosen: Which of the downloaded images are exported; the others are only counted.
    """

    title: str
    created_at: datetime
    keywords: tuple[str, ...] = ()
    shares: SplitShares = field(default_factory=SplitShares)
    is_selected: Callable[[ImageRecord], bool] = is_accepted

    def select_records(
        self, records: Iterable[ImageRecord], summary: ExportSummary
    ) -> Iterator[tuple[ImageRecord, Split]]:
        """The chosen images with their splits; all are counted."""
        for record in records:
            if record.state == ImageState.DOWNLOADED and self.is_selected(record):
                part = self.shares.split_of(record)
                summary.count_exported(record, part)
                yield record, part
            else:
                summary.count_left_out(record)


@dataclass
class ExportSummary:
    """Counts of what was exported by several properties, and of what was left out by its reason."""

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
        """Those with images."""
        return [part for part in SPLITS if self.splits[part]]

    def count_left_out(self, record: ImageRecord) -> None:
        self.left_out[exclusion_reason(record)] += 1


def exclusion_reason(record: ImageRecord) -> str:
    """Why an image is left out: what the crawl said, else the worst finding, else that nobody looked."""
    if record.state != ImageState.DOWNLOADED:
        return record.reason or record.state.value
    if record.verdict is None:
        return "not_checked"
    return record.verdict.findings[0].check if record.verdict.findings else "not_chosen"
