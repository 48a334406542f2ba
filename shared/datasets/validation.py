"""Validation of a dataset's images: each by itself, in chunks, then all together for near duplicates and outliers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import clock
from shared.datasets.store import change_image, dataset_id_of, iterate_downloaded, list_images, read_dataset
from shared.errors import Cancelled, NotFound
from shared.images.image_file import ImageInspection
from shared.images.inspection import check_image, inspect_image, make_finding, sort_findings
from shared.models.dataset import ValidationProgress
from shared.models.image import ImageFinding, ImageRecord, ImageState, Level, Thresholds, Verdict
from shared.models.job import Part
from shared.pipeline.division import PartRun
from shared.pipeline.job_storage import MEDIA
from shared.pipeline.stage_run import LeasedRun, StageRun
from shared.platform.ports import Objects
from shared.settings import settings
from shared.wiring import wiring

TIME_SHARE = 0.5
PAGE = 50
WRITERS = 8
COMPARISON_CHECKS = ("near_duplicate", "outlier")
"""Checks that compare all images, after each was checked by itself."""


def validate_chunk(run: PartRun) -> None:
    """Validate the images of one chunk of the crawl. After an interruption, at most one page is validated again."""
    limits, level = validation_limits(run)
    deadline = time.monotonic() + TIME_SHARE * wiring().functions[run.stage].timeout_sec
    outcome = run.claimed_part.outcome or {}
    cursor, validated = outcome.get("cursor"), ValidationProgress.read({"level": level} | outcome)
    while True:
        records, cursor = list_images(
            run.place.documents,
            dataset_id_of(run.job),
            PAGE,
            cursor,
            state=ImageState.DOWNLOADED.value,
            chunk=run.number,
        )
        findings: Counter[str] = Counter(validated.findings)
        for record in records:
            image_findings = validate_image(run, record, limits, level)
            findings.update(finding.check for finding in image_findings)
            validated.accepted += not image_findings if record.override is None else record.override
            validated.checked += 1
            run.tick(0, f"{validated.checked} images checked")
        validated.findings = dict(findings)
        run.add_result(_set_outcome(validated.to_document() | {"cursor": cursor}))
        if cursor is None or time.monotonic() > deadline:
            run.repeat = cursor is not None
            return
        run.write()


def _set_outcome(outcome: dict[str, object]) -> Callable[[Part], None]:
    def write(part: Part) -> None:
        part.outcome = outcome

    return write


def validation_limits(run: LeasedRun[Any]) -> tuple[Thresholds, Level]:
    """Return the thresholds and the level of a validation."""
    try:
        dataset = read_dataset(run.place.documents, dataset_id_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    return Thresholds.read(dataset.thresholds), run.job.options["level"]


def validate_image(run: PartRun, record: ImageRecord, limits: Thresholds, level: Level) -> list[ImageFinding]:
    """Check one image by itself, store the verdict in its document, and return the findings."""
    inspection = _inspect_stored_image(run.place.objects, record, run.workspace / "image", level)
    name = record.url.partition("?")[0].rpartition("/")[2]
    findings = check_image(inspection, limits, level, name, declared=record.content_type)

    def write(image: ImageRecord) -> None:
        image.phash = None if inspection.phash is None else f"{inspection.phash:016x}"
        image.features = None if inspection.features is None else [round(value, 6) for value in inspection.features]
        image.group = None
        image.verdict = Verdict(accepted=not findings, level=level, findings=findings, checked_at=clock.now())
        image.settle_verdict()

    change_image(run.place.documents, record.id, write)
    return findings


def _inspect_stored_image(objects: Objects, record: ImageRecord, path: Path, level: Level) -> ImageInspection:
    config = settings()
    try:
        objects.download(MEDIA, record.media or "", path)
    except NotFound:
        path.write_bytes(b"")
    return inspect_image(
        path,
        level=level,
        max_bytes=config.max_image_size_mb * 1_000_000,
        max_pixels=config.max_image_megapixels * 1_000_000,
    )


@dataclass(frozen=True)
class ComparisonEntry:
    """The properties of an image that the comparison needs."""

    id: str
    phash: int | None
    features: tuple[float, ...] | None
    rank: tuple[bool, int, int, str]
    """The least rank of a group is kept: no findings first, then most pixels, then most bytes."""
    override: bool | None = None


def validate_dataset(run: StageRun) -> ValidationProgress:
    """Group near duplicates and find outliers in the whole dataset, and store both with the images. Idempotent.

    Returns the counts of the whole validation.
    """
    limits, level = validation_limits(run)
    validated, findings, entries = ValidationProgress(level=level), Counter[str](), list[ComparisonEntry]()
    for record in iterate_downloaded(run.place.documents, dataset_id_of(run.job)):
        own_findings = (
            [finding for finding in record.verdict.findings if finding.check not in COMPARISON_CHECKS]
            if record.verdict
            else []
        )
        findings.update(finding.check for finding in own_findings)
        entries.append(_comparison_entry(record, bool(own_findings)))
        validated.checked += 1
        run.tick(0.3, "Comparing images")
    changes = compare_images(entries, limits, level)
    with_findings = {image.id for image in entries if image.rank[0]}
    with_findings |= {id for id, change in changes.items() if change.findings}
    for change in changes.values():
        findings.update(finding.check for finding in change.findings)
    validated.accepted = sum(
        image.id not in with_findings if image.override is None else image.override for image in entries
    )
    validated.findings = dict(findings)
    _store_changes(run, changes)
    return validated


def _comparison_entry(record: ImageRecord, has_findings: bool) -> ComparisonEntry:
    pixels = (record.width or 0) * (record.height or 0)
    return ComparisonEntry(
        record.id,
        int(record.phash, 16) if record.phash else None,
        tuple(record.features) if record.features else None,
        (has_findings, -pixels, -(record.size_bytes or 0), record.id),
        record.override,
    )


@dataclass(frozen=True)
class ImageChange:
    """The result of the comparison for one image."""

    group: str | None
    findings: list[ImageFinding]


def compare_images(entries: Iterable[ComparisonEntry], limits: Thresholds, level: Level) -> dict[str, ImageChange]:
    """Return the changes by image id, only for images in a group or with a finding."""
    images = {image.id: image for image in entries}
    groups = _near_duplicate_groups(images, limits)
    outlier_scores = _outlier_scores(images, limits) if level == "slow" else {}
    changes = {}
    for id in sorted(groups.keys() | outlier_scores.keys()):
        findings = []
        best_id = groups.get(id)
        if best_id and best_id != id:
            differing_bits = (images[id].phash or 0) ^ (images[best_id].phash or 0)
            findings.append(
                make_finding("near_duplicate", score=differing_bits.bit_count(), limit=limits.max_distance, of=best_id)
            )
        if id in outlier_scores:
            findings.append(make_finding("outlier", score=outlier_scores[id], limit=limits.max_outlier))
        changes[id] = ImageChange(best_id, findings)
    return changes


def _near_duplicate_groups(images: dict[str, ComparisonEntry], limits: Thresholds) -> dict[str, str]:
    hashes = [(image.id, image.phash) for image in images.values() if image.phash is not None]
    if limits.max_distance is None or not hashes:
        return {}
    from shared.images.comparison import near_duplicates

    return near_duplicates(hashes, limits.max_distance, lambda id: images[id].rank)


def _outlier_scores(images: dict[str, ComparisonEntry], limits: Thresholds) -> dict[str, float]:
    if limits.max_outlier is None:
        return {}
    from shared.images.comparison import outlier_scores

    return outlier_scores(
        [(image.id, image.features) for image in images.values() if image.features], limits.max_outlier
    )


def _store_changes(run: StageRun, changes: dict[str, ImageChange]) -> None:
    def write(item: tuple[str, ImageChange]) -> None:
        id, change = item

        def put(image: ImageRecord) -> None:
            image.group = change.group
            if image.verdict:
                own_findings = [finding for finding in image.verdict.findings if finding.check not in COMPARISON_CHECKS]
                image.verdict.findings = sort_findings(own_findings + change.findings)
                image.settle_verdict()

        change_image(run.place.documents, id, put)

    with ThreadPoolExecutor(WRITERS) as threads:
        for number, _ in enumerate(threads.map(write, changes.items()), start=1):
            run.tick(0.5 + 0.5 * number / len(changes), "Storing verdicts")
