"""How an image is called in an export, and what is said of it there."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from shared.datasets.exports.splits import Split
from shared.models.dataset import ImageRecord

_EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "bmp": "bmp", "tiff": "tif"}
_SAFE_STEM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED_NAMES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))}


def sample_key(record: ImageRecord) -> str:
    """The id, when it can be a file name on every system; else what is left of it, with a hash.

    Small letters, digits, `-` and `_` only: WebDataset takes all before the first dot for the name of a sample, and
    some systems do not tell capitals apart.
    """
    if _SAFE_STEM.fullmatch(record.id) and record.id not in _RESERVED_NAMES:
        return record.id
    stem = re.sub(r"[^a-z0-9_-]+", "-", record.id.lower())[:40].strip("-")
    return f"image-{stem}-{sha256(record.id.encode()).hexdigest()[:16]}"


def file_extension(record: ImageRecord) -> str:
    return _EXTENSIONS.get(record.format or "", "bin")


def archive_path(record: ImageRecord, part: Split) -> str:
    """Where an image lies in archives of folders."""
    return f"{part}/{sample_key(record)}.{file_extension(record)}"


def image_metadata(record: ImageRecord, part: Split) -> dict[str, Any]:
    """What is known of an image, in the types of JSON, but for its time."""
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
