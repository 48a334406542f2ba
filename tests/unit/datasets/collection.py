"""A dataset of records whose images are made when they are opened."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import BinaryIO

from shared.datasets.export_selection import ExportSpec
from shared.images.inspection import make_finding
from shared.models.image import ImageRecord, ImageState, Verdict
from tests.picture_samples import encoded, scene

NOW = datetime(2026, 11, 20, 12, 30, 2, tzinfo=UTC)
ORDER = ExportSpec('Cats & "dogs" | <b>all</b>', NOW, ("cat", "dog"))
HOSTILE = '../../<script>alert(1)</script>\u202e"|`\n# x'


def record(number: int, **changes: object) -> ImageRecord:
    fields: dict[str, object] = {
        "id": f"{number:05}",
        "dataset_id": "d",
        "owner": "o",
        "url": f"https://images.example/{number}.jpg",
        "page_url": f"https://pages.example/{number}",
        "source": ("openverse", "list")[number % 2],
        "keyword": ("cat", "dog", None)[number % 3],
        "title": f"No. {number}",
        "author": "Ann",
        "licence": ("by 4.0", "cc0 1.0", "by-sa 4.0", None)[number % 4],
        "licence_url": "https://licences.example/",
        "state": ImageState.DOWNLOADED,
        "chunk": 0,
        "sha256": sha256(picture(number)).hexdigest(),
        "size_bytes": len(picture(number)),
        "format": "jpeg",
        "width": 64,
        "height": 48,
        "phash": f"{number:016x}",
        "verdict": Verdict(accepted=True, level="medium", checked_at=NOW),
        "created_at": NOW,
        **changes,
    }
    return ImageRecord.model_validate(fields)


def refused(number: int, check: str) -> ImageRecord:
    verdict = Verdict(accepted=False, level="medium", findings=[make_finding(check, score=2, limit=3)], checked_at=NOW)
    return record(number, verdict=verdict)


def missed(number: int, reason: str) -> ImageRecord:
    return record(number, state=ImageState.REJECTED, reason=reason, verdict=None, width=None, height=None, format=None)


def collection(count: int = 40) -> list[ImageRecord]:
    """As many accepted images, and five that are left out."""
    rest = [refused(90_001, "blurry"), refused(90_002, "blurry"), missed(90_003, "http_404"), missed(90_004, "robots")]
    return [*(record(number) for number in range(count)), *rest, record(90_005, verdict=None)]


def picture(number: int) -> bytes:
    """One of ten scenes, with other bytes for each number."""
    return encoded(scene(number % 10, (64, 48)), comment=str(number))


def open_picture(image: ImageRecord) -> BinaryIO:
    return io.BytesIO(picture(int(image.id)))


class Stream(io.RawIOBase):
    """Takes bytes and nothing else."""

    def __init__(self) -> None:
        self.taken = io.BytesIO()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self.taken.write(data)  # type: ignore[arg-type]

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


class Folder:
    """Files by name, once they are complete."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        stream = Stream()
        yield stream  # type: ignore[misc]
        self.files[name] = stream.taken.getvalue()
