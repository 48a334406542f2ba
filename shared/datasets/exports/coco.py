"""A dataset's images in the JSON form of COCO (cocodataset.org/#format-data), without the images themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from shared.datasets.exports.entries import archive_path
from shared.datasets.exports.ordering import ExportSpec, ExportSummary
from shared.datasets.exports.splits import Split
from shared.exports.text import plain
from shared.models.dataset import ImageRecord

_IN_MEMORY = 16_000_000


def write_coco(records: Iterable[ImageRecord], out: BinaryIO, spec: ExportSpec) -> ExportSummary:
    """`info`, `images`, `annotations`, `licenses` and `categories`, in that order: written as the records come.

    Categories are the keywords. An annotation says of an image what it was found for: it has no box and no outline,
    for nobody drew one. `file_name` is the image's place in the ZIP file of the same order.
    """
    summary, licences, categories = ExportSummary(), _IdRegistry(), _IdRegistry()
    with SpooledTemporaryFile(_IN_MEMORY) as annotations:
        _write_json(out, '{"info": ', _coco_info(spec), ',\n"images": [')
        for number, (record, part) in enumerate(spec.select_records(records, summary), 1):
            licence = licences.id_of((record.licence or "unknown", record.licence_url or ""))
            _write_json(out, ",\n" if number > 1 else "\n", _coco_image(record, part, number, licence))
            if record.keyword:
                label = {"id": number, "image_id": number, "category_id": categories.id_of((record.keyword,))}
                _write_json(annotations, ",\n" if annotations.tell() else "\n", label)
        _write_json(out, '],\n"annotations": [')
        annotations.seek(0)
        while chunk := annotations.read(1 << 20):
            out.write(chunk)
    _write_json(out, '],\n"licenses": ', [{"id": n, "name": name, "url": url} for (name, url), n in licences.items()])
    _write_json(
        out,
        ',\n"categories": ',
        [{"id": n, "name": name, "supercategory": "keyword"} for (name,), n in categories.items()],
    )
    _write_json(out, "}\n")
    return summary


class _IdRegistry(dict[tuple[str, ...], int]):
    """Things in the order they were first named, from 1 on."""

    def id_of(self, key: tuple[str, ...]) -> int:
        return self.setdefault(key, len(self) + 1)


def _coco_info(spec: ExportSpec) -> dict[str, Any]:
    return {
        "description": plain(spec.title),
        "version": "1.0",
        "year": spec.created_at.year,
        "date_created": spec.created_at.isoformat(),
    }


def _coco_image(record: ImageRecord, part: Split, number: int, licence: int) -> dict[str, Any]:
    return {
        "id": number,
        "width": record.width,
        "height": record.height,
        "file_name": archive_path(record, part),
        "license": licence,
        "coco_url": record.url,
        "page_url": record.page_url,
        "author": record.author,
        "split": part,
        "source_id": record.id,
        "date_captured": record.created_at.isoformat(),
    }


def _write_json(out: Any, *pieces: str | dict[str, Any] | list[dict[str, Any]]) -> None:
    """Text as it is, all else as JSON."""
    for piece in pieces:
        out.write((piece if isinstance(piece, str) else json.dumps(piece, ensure_ascii=False)).encode())
