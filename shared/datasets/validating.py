"""Looking at a dataset's images: each by itself, in chunks; then all together, for what only shows beside others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import clock
from shared.datasets.store import change_image, dataset_of, downloaded, images_page, read_dataset
from shared.errors import Cancelled, NotFound
from shared.images import Looked, Thresholds, judge, look
from shared.images.judging import finding, in_order
from shared.models.crawl import Validated
from shared.models.dataset import Finding, ImageRecord, ImageState, Level, Verdict
from shared.models.job import Part
from shared.pipeline.division import PartRun
from shared.pipeline.paths import MEDIA
from shared.pipeline.run import Run, StageRun
from shared.platform.ports import Objects
from shared.settings import settings
from shared.wiring import wiring

SHARE_OF_TIME = 0.5
PAGE = 50
WRITERS = 8

AMONG_OTHERS = ("near_duplicate", "outlier")
"""Checks that are made once all images have been looked at."""


def validate_chunk(run: PartRun) -> None:
    """Look at the images that one chunk of the crawl brought; a page of them is what is done twice at most."""
    limits, level = terms(run)
    until = time.monotonic() + SHARE_OF_TIME * wiring().functions[run.stage].timeout_sec
    told = run.claimed.outcome or {}
    cursor, validated = told.get("cursor"), Validated.read({"level": level} | told)
    while True:
        found, cursor = images_page(
            run.platform.documents,
            dataset_of(run.job),
            PAGE,
            cursor,
            state=ImageState.DOWNLOADED.value,
            chunk=run.number,
        )
        findings: Counter[str] = Counter(validated.findings)
        for record in found:
            wrong = look_at(run, record, limits, level)
            findings.update(one.check for one in wrong)
            validated.accepted += not wrong
            validated.checked += 1
            run.tick(0, f"{validated.checked} images checked")
        validated.findings = dict(findings)
        run.leave(_written(validated.document() | {"cursor": cursor}))
        if cursor is None or time.monotonic() > until:
            run.again = cursor is not None
            return
        run.write()


def _written(outcome: dict[str, object]) -> Callable[[Part], None]:
    def write(part: Part) -> None:
        part.outcome = outcome

    return write


def terms(run: Run[Any]) -> tuple[Thresholds, Level]:
    """Which limits count, and how closely is looked."""
    try:
        dataset = read_dataset(run.platform.documents, dataset_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    return Thresholds.read(dataset.thresholds), run.job.options["level"]


def look_at(run: PartRun, record: ImageRecord, limits: Thresholds, level: Level) -> list[Finding]:
    """What is wrong with one image by itself, written into its document."""
    looked = _look(run.platform.objects, record, run.workspace / "image", level)
    name = record.url.partition("?")[0].rpartition("/")[2]
    findings = judge(looked, limits, level, name, declared=record.content_type)

    def write(image: ImageRecord) -> None:
        image.phash = None if looked.phash is None else f"{looked.phash:016x}"
        image.features = None if looked.features is None else [round(value, 6) for value in looked.features]
        image.group = None
        image.verdict = Verdict(accepted=not findings, level=level, findings=findings, checked_at=clock.now())

    change_image(run.platform.documents, record.id, write)
    return findings


def _look(objects: Objects, record: ImageRecord, path: Path, level: Level) -> Looked:
    chosen = settings()
    try:
        objects.download(MEDIA, record.media or "", path)
    except NotFound:
        path.write_bytes(b"")
    return look(
        path,
        level=level,
        max_bytes=chosen.max_image_size_mb * 1_000_000,
        max_pixels=chosen.max_image_megapixels * 1_000_000,
    )


@dataclass(frozen=True)
class Seen:
    """What is remembered of an image while all are compared."""

    id: str
    phash: int | None
    features: tuple[float, ...] | None
    worth: tuple[bool, int, int, str]
    """The least of a group is kept: one with nothing against it, with most pixels, with most bytes."""


def validate_together(run: StageRun) -> Validated:
    """Group near duplicates over the whole dataset, find outliers, and write both into the images; count them all.

    Done twice it gives the same.
    """
    limits, level = terms(run)
    validated, findings, seen = Validated(level=level), Counter[str](), list[Seen]()
    for record in downloaded(run.platform.documents, dataset_of(run.job)):
        own = [one for one in record.verdict.findings if one.check not in AMONG_OTHERS] if record.verdict else []
        findings.update(one.check for one in own)
        seen.append(_seen(record, bool(own)))
        validated.checked += 1
        run.tick(0.3, "Comparing images")
    changes = found_together(seen, limits, level)
    bad = {image.id for image in seen if image.worth[0]}
    for change in changes.values():
        findings.update(one.check for one in change.findings)
    validated.accepted = len(seen) - len(bad | {id for id, change in changes.items() if change.findings})
    validated.findings = dict(findings)
    _write_all(run, changes)
    return validated


def _seen(record: ImageRecord, faulty: bool) -> Seen:
    pixels = (record.width or 0) * (record.height or 0)
    return Seen(
        record.id,
        int(record.phash, 16) if record.phash else None,
        tuple(record.features) if record.features else None,
        (faulty, -pixels, -(record.size_bytes or 0), record.id),
    )


@dataclass(frozen=True)
class Change:
    """What comparing has found of an image."""

    group: str | None
    findings: list[Finding]


def found_together(seen: Iterable[Seen], limits: Thresholds, level: Level) -> dict[str, Change]:
    """By the id of the image; only those of which there is something to say."""
    images = {image.id: image for image in seen}
    groups = _groups(images, limits)
    odd = _outliers(images, limits) if level == "slow" else {}
    changes = {}
    for id in sorted(groups.keys() | odd.keys()):
        findings = []
        kept = groups.get(id)
        if kept and kept != id:
            apart = (images[id].phash or 0) ^ (images[kept].phash or 0)
            findings.append(finding("near_duplicate", score=apart.bit_count(), limit=limits.max_distance, of=kept))
        if id in odd:
            findings.append(finding("outlier", score=odd[id], limit=limits.max_outlier))
        changes[id] = Change(kept, findings)
    return changes


def _groups(images: dict[str, Seen], limits: Thresholds) -> dict[str, str]:
    hashes = [(image.id, image.phash) for image in images.values() if image.phash is not None]
    if limits.max_distance is None or not hashes:
        return {}
    from shared.images.grouping import near_duplicates

    return near_duplicates(hashes, limits.max_distance, lambda id: images[id].worth)


def _outliers(images: dict[str, Seen], limits: Thresholds) -> dict[str, float]:
    if limits.max_outlier is None:
        return {}
    from shared.images.outliers import outliers

    return outliers([(image.id, image.features) for image in images.values() if image.features], limits.max_outlier)


def _write_all(run: StageRun, changes: dict[str, Change]) -> None:
    def write(item: tuple[str, Change]) -> None:
        id, change = item

        def put(image: ImageRecord) -> None:
            image.group = change.group
            if image.verdict:
                own = [one for one in image.verdict.findings if one.check not in AMONG_OTHERS]
                image.verdict.findings = in_order(own + change.findings)
                image.verdict.accepted = not image.verdict.findings

        change_image(run.platform.documents, id, put)

    with ThreadPoolExecutor(WRITERS) as threads:
        for number, _ in enumerate(threads.map(write, changes.items()), start=1):
            run.tick(0.5 + 0.5 * number / len(changes), "Storing verdicts")
