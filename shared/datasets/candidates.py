"""Processing of one candidate: its image is stored, or rejected for a reason.

The record is created first, so that only one chunk fetches a URL that several chunks found. The object is named by the
SHA-256 of its bytes and created only if absent, so that no image is stored twice. An interrupted attempt leaves a
pending record with its `chunk` and `position`; the chunk's next attempt continues it and keeps finished records.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from shared import clock
from shared.datasets.store import IMAGES, image_id, image_object_name
from shared.error_codes.videos import SourceCode
from shared.errors import AlreadyExists, Cancelled, Conflict, PermanentError
from shared.images.image_file import ImageInspection
from shared.images.inspection import inspect_image
from shared.models.dataset import Chunk, Dataset
from shared.models.image import Candidate, Filters, ImageRecord, ImageState
from shared.pipeline.job_storage import MEDIA
from shared.platform.ports import Place
from shared.security.url_guard import check_url
from shared.security.urls import WebUrl, normalise_url
from shared.sources.images.fetcher import FetchedImage, ImageFetcher, ImageRejected
from shared.sources.images.source import Pulse

DUPLICATE_URL = "duplicate_url"


@dataclass(frozen=True)
class CandidateProcessor:
    """Processes the candidates of a chunk. Safe for use from several threads.

    Attributes:
        pulse: Raises to stop the chunk.
    """

    place: Place
    dataset: Dataset
    chunk: Chunk
    number: int
    fetcher: ImageFetcher
    folder: Path
    pulse: Pulse

    def process(self, candidate: Candidate, position: int) -> str | None:
        """Process one candidate. Returns the reason if it is rejected, or None if its image is stored."""
        url, address_error = self._check_address(candidate)
        record = self._create_record(candidate, position, str(url) if url else candidate.url)
        try:
            self.place.documents.create(IMAGES, record.id, record.to_document())
        except AlreadyExists:
            stored = self.place.documents.get(IMAGES, record.id)
            if stored is None:
                raise Cancelled(self.dataset.id) from None
            existing = ImageRecord.read(stored.data)
            if (existing.chunk, existing.position) != (self.number, position):
                return DUPLICATE_URL
            if existing.state is not ImageState.PENDING:
                return existing.reason
        path = self.folder / f"{position}"
        try:
            if url is None:
                raise ImageRejected(address_error)
            self._check_licence(record)
            self._store_image(record, self.fetcher.fetch(url, path, self.pulse), path)
            record.state = ImageState.DOWNLOADED
        except ImageRejected as rejected:
            record.state, record.reason = ImageState.REJECTED, rejected.reason
        finally:
            path.unlink(missing_ok=True)
        # Written even if the chunk is being stopped, so that no image is fetched twice.
        self.place.documents.put(IMAGES, record.id, record.to_document())
        return record.reason

    def _check_address(self, candidate: Candidate) -> tuple[WebUrl | None, str]:
        """Return the URL if the guard allows it; otherwise None and the reason."""
        try:
            return check_url(candidate.url, self.fetcher.settings), ""
        except PermanentError as error:
            return None, "not_public" if error.code == SourceCode.URL_NOT_ALLOWED else error.code

    def _create_record(self, candidate: Candidate, position: int, url: str) -> ImageRecord:
        try:
            canonical = normalise_url(url)
        except PermanentError:
            canonical = url
        return ImageRecord(
            id=image_id(self.dataset.id, canonical),
            dataset_id=self.dataset.id,
            owner=self.dataset.owner,
            source=self.chunk.source,
            keyword=self.chunk.keyword,
            state=ImageState.PENDING,
            chunk=self.number,
            position=position,
            created_at=clock.now(),
            **candidate.model_dump() | {"url": url},
        )

    def _check_licence(self, record: ImageRecord) -> None:
        licences = self.dataset.filters.licences
        if licences and not any(is_licence_match(record.licence, licence) for licence in licences):
            raise ImageRejected("licence")

    def _store_image(self, record: ImageRecord, fetched: FetchedImage, path: Path) -> None:
        """Store the image and record its properties. Raises ImageRejected."""
        settings = self.fetcher.settings
        max_bytes, max_pixels = settings.max_image_size_mb * 1_000_000, settings.max_image_megapixels * 1_000_000
        inspection = inspect_image(path, level="fast", max_bytes=max_bytes, max_pixels=max_pixels)
        record.sha256, record.size_bytes, record.content_type = fetched.sha256, fetched.size, fetched.content_type
        record.format, record.width, record.height = inspection.format, inspection.width, inspection.height
        if inspection.fault:
            raise ImageRejected(_fault_reason(inspection.fault, inspection.format))
        if reason := filter_reason(inspection, self.dataset.filters):
            raise ImageRejected(reason)
        assert inspection.format is not None  # noqa: S101  # there is no fault
        name = image_object_name(self.dataset.id, fetched.sha256, inspection.format)
        try:
            metadata = {"image": record.id}
            self.place.objects.put(MEDIA, name, path, f"image/{inspection.format}", metadata=metadata, if_generation=0)
        except Conflict:
            existing = self.place.objects.stat(MEDIA, name)
            if existing is None:
                raise Cancelled(self.dataset.id) from None
            if existing.metadata.get("image") != record.id:
                record.of = existing.metadata.get("image")
                raise ImageRejected("duplicate") from None
        record.media = name


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
