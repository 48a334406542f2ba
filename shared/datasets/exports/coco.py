"""A dataset's images in the JSON form of COCO (cocodataset.org/#format-data), without the images themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from shared.datasets.exports.entries import path
from shared.datasets.exports.ordering import Order, Summary
from shared.datasets.exports.splits import Split
from shared.exports.text import plain
from shared.models.dataset import ImageRecord

_IN_MEMORY = 16_000_000


def write_coco(records: Iterable[ImageRecord], out: BinaryIO, order: Order) -> Summary:
    """`info`, `images`, `annotations`, `licenses` and `categories`, in that order: written as the records come.

    Categories are the keywords. An annotation says of an image what it was found for: it has no box and no outline,
    for nobody drew one. `file_name` is the image's place in the ZIP file of the same order.
    """
    summary, licences, categories = Summary(), _Numbered(), _Numbered()
    with SpooledTemporaryFile(_IN_MEMORY) as annotations:
        _write(out, '{"info": ', _info(order), ',\n"images": [')
        for number, (record, part) in enumerate(order.through(records, summary), 1):
            licence = licences.number((record.licence or "unknown", record.licence_url or ""))
            _write(out, ",\n" if number > 1 else "\n", _image(record, part, number, licence))
            if record.keyword:
                label = {"id": number, "image_id": number, "category_id": categories.number((record.keyword,))}
                _write(annotations, ",\n" if annotations.tell() else "\n", label)
        _write(out, '],\n"annotations": [')
        annotations.seek(0)
        while piece := annotations.read(1 << 20):
            out.write(piece)
    _write(out, '],\n"licenses": ', [{"id": n, "name": name, "url": url} for (name, url), n in licences.items()])
    _write(
        out,
        ',\n"categories": ',
        [{"id": n, "name": name, "supercategory": "keyword"} for (name,), n in categories.items()],
    )
    _write(out, "}\n")
    return summary


class _Numbered(dict[tuple[str, ...], int]):
    """Things in the order they were first named, from 1 on."""

    def number(self, thing: tuple[str, ...]) -> int:
        return self.setdefault(thing, len(self) + 1)


def _info(order: Order) -> dict[str, Any]:
    return {
        "description": plain(order.title),
        "version": "1.0",
        "year": order.created_at.year,
        "date_created": order.created_at.isoformat(),
    }


def _image(record: ImageRecord, part: Split, number: int, licence: int) -> dict[str, Any]:
    return {
        "id": number,
        "width": record.width,
        "height": record.height,
        "file_name": path(record, part),
        "license": licence,
        "coco_url": record.url,
        "page_url": record.page_url,
        "author": record.author,
        "split": part,
        "source_id": record.id,
        "date_captured": record.created_at.isoformat(),
    }


def _write(out: Any, *pieces: str | dict[str, Any] | list[dict[str, Any]]) -> None:
    """Text as it is, all else as JSON."""
    for piece in pieces:
        out.write((piece if isinstance(piece, str) else json.dumps(piece, ensure_ascii=False)).encode())
