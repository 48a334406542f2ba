"""Candidates of a chunk in batches: each is claimed by its record, then its image is stored or rejected for a reason.

The record is created first, so that only one chunk fetches a URL that several chunks found. The object is named by the
SHA-256 of its bytes and created only if absent, so that no image is stored twice. An interrupted attempt leaves
pending records with its `chunk` and `position`; the chunk's next attempt continues them and keeps finished records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import unquote

from shared import clock
from shared.datasets.store import IMAGES, image_id, image_object_name
from shared.error_codes.videos import SourceCode
from shared.errors import Cancelled, PermanentError
from shared.images.image_file import ImageInspection
from shared.images.inspection import inspect_image
from shared.models.dataset import Chunk, Dataset
from shared.models.image import Candidate, Filters, ImageRecord, ImageState
from shared.pipeline.job_storage import MEDIA
from shared.platform.ports import NewObject, Place
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl, normalise_url
from shared.settings import Settings
from shared.sources.images.fetcher import MAX_MEMORY_BYTES, FetchedImage, ImageRejected

DUPLICATE_URL = "duplicate_url"


@dataclass(frozen=True)
class Claim:
    """A candidate whose record is stored.

    Attributes:
        url: None if the candidate is not fetched.
        is_settled: Whether its outcome is final: `reason`, or None if its image is stored.
    """

    record: ImageRecord
    url: WebUrl | None
    is_settled: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class CandidateBatches:
    """Claims and settles candidates of a chunk. Safe for use from several threads."""

    place: Place
    dataset: Dataset
    chunk: Chunk
    number: int
    settings: Settings

    def claim(self, candidates: Sequence[tuple[int, Candidate]]) -> list[Claim]:
        """Create the records of at most 500 candidates, each with its position; return their claims in this order."""
        claims = [self._create_claim(candidate, position) for position, candidate in candidates]
        firsts: dict[str, ImageRecord] = {}
        for claim in claims:
            firsts.setdefault(claim.record.id, claim.record)
        existing = set(
            self.place.documents.create_many(IMAGES, {id: record.to_document() for id, record in firsts.items()})
        )
        return [
            claim
            if claim.record is firsts[claim.record.id] and claim.record.id not in existing
            else self._compare(claim, firsts[claim.record.id], is_stored=claim.record.id in existing)
            for claim in claims
        ]

    def settle(self, outcomes: Sequence[tuple[Claim, FetchedImage | ImageRejected]]) -> list[str | None]:
        """Store images and outcomes; return the reason of each rejected candidate, None where the image is stored."""
        new_objects: dict[str, NewObject] = {}
        for claim, outcome in outcomes:
            record = claim.record
            try:
                if isinstance(outcome, ImageRejected):
                    raise outcome
                new_objects[record.id] = self._check_image(record, outcome)
            except ImageRejected as rejected:
                record.state, record.reason = ImageState.REJECTED, rejected.reason
        taken = set(self.place.objects.create_many(MEDIA, list(new_objects.values())))
        for claim, _ in outcomes:
            if stored := new_objects.get(claim.record.id):
                self._settle_image(claim.record, stored.name, is_taken=stored.name in taken)
        self.place.documents.put_many(IMAGES, {claim.record.id: claim.record.to_document() for claim, _ in outcomes})
        return [claim.record.reason for claim, _ in outcomes]

    def _create_claim(self, candidate: Candidate, position: int) -> Claim:
        """Return a claim for a candidate; it is settled if the guard or a filter rejects it."""
        url, reason = None, None
        try:
            url = check_url(candidate.url, self.settings)
        except PermanentError as error:
            reason = "not_public" if error.code == SourceCode.URL_NOT_ALLOWED else error.code
        record = ImageRecord(
            id=image_id(self.dataset.id, _canonical_url(url or candidate.url)),
            dataset_id=self.dataset.id,
            owner=self.dataset.owner,
            source=self.chunk.source,
            keyword=self.chunk.keyword,
            state=ImageState.PENDING,
            chunk=self.number,
            position=position,
            created_at=clock.now(),
            **candidate.model_dump() | {"url": str(url) if url else candidate.url},
        )
        licences = self.dataset.filters.licences
        if not reason and licences and not any(is_licence_match(record.licence, licence) for licence in licences):
            reason = "licence"
        if reason:
            record.state, record.reason = ImageState.REJECTED, reason
        return Claim(record, url, reason is not None, reason)

    def _compare(self, claim: Claim, first: ImageRecord, *, is_stored: bool) -> Claim:
        """Return the claim of a candidate whose record exists: it is continued, settled or a duplicate."""
        existing = first
        if is_stored:
            stored = self.place.documents.get(IMAGES, claim.record.id)
            if stored is None:
                raise Cancelled(self.dataset.id)
            existing = ImageRecord.read(stored.data)
        if (existing.chunk, existing.position) != (self.number, claim.record.position):
            return Claim(claim.record, None, is_settled=True, reason=DUPLICATE_URL)
        return Claim(existing, claim.url, existing.state is not ImageState.PENDING, existing.reason)

    def _check_image(self, record: ImageRecord, fetched: FetchedImage) -> NewObject:
        """Record the properties of an image, and return the object to store. Raises ImageRejected."""
        content = fetched.file.read()
        inspection = inspect_image(
            content,
            level="fast",
            max_bytes=self.settings.max_image_size_mb * 1_000_000,
            max_pixels=self.settings.max_image_megapixels * 1_000_000,
        )
        record.sha256, record.size_bytes = inspection.sha256, inspection.size_bytes
        record.content_type = fetched.content_type
        record.format, record.width, record.height = inspection.format, inspection.width, inspection.height
        if inspection.fault:
            raise ImageRejected(_fault_reason(inspection.fault, inspection.format))
        if reason := filter_reason(inspection, self.dataset.filters):
            raise ImageRejected(reason)
        assert inspection.format is not None  # noqa: S101  # there is no fault
        name = image_object_name(self.dataset.id, inspection.sha256, inspection.format)
        # No batch holds many long images in memory.
        fetched.file.seek(0)
        data = content if len(content) <= MAX_MEMORY_BYTES else cast(BinaryIO, fetched.file)
        return NewObject(name, data, f"image/{inspection.format}", {"image": record.id})

    def _settle_image(self, record: ImageRecord, name: str, *, is_taken: bool) -> None:
        """Record that an image is stored, or which other image has the same bytes."""
        record.state, record.media = ImageState.DOWNLOADED, name
        if not is_taken:
            return
        existing = self.place.objects.stat(MEDIA, name)
        if existing is None:
            raise Cancelled(self.dataset.id)
        if existing.metadata.get("image") != record.id:
            record.state, record.reason, record.media = ImageState.REJECTED, "duplicate", None
            record.of = existing.metadata.get("image")


def _canonical_url(url: WebUrl | str) -> str:
    """Return the canonical form of a candidate's URL; one that is none is its own."""
    try:
        return normalise_url(url)
    except PermanentError:
        return str(url)


def _fault_reason(fault: str, image_format: str | None) -> str:
    """Return the reason of a fault; an unsupported format is named, as in `unsupported_svg`."""
    if fault != "unsupported":
        return fault
    return f"unsupported_{image_format}" if image_format else "not_an_image"


def is_licence_match(licence: str | None, required: str) -> bool:
    """Return whether a licence matches: `by` accepts any version, `by 4.0` only that one. An unknown licence fails."""
    terms = unquote(licence or "").lower().split()
    return bool(terms) and terms[: len(required.split())] == required.lower().split()


def filter_reason(inspection: ImageInspection, filters: Filters) -> str | None:
    """Return which filter rejects an image: `format`, `too_small`, `aspect` or None."""
    width, height = inspection.width or 0, inspection.height or 0
    if filters.formats and inspection.format not in filters.formats:
        return "format"
    if width < (filters.min_width or 0) or height < (filters.min_height or 0):
        return "too_small"
    if filters.max_aspect is not None and max(width, height) > filters.max_aspect * min(width, height):
        return "aspect"
    return None
