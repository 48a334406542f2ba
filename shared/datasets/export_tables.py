"""Image metadata of a dataset as COCO JSON (cocodataset.org/#format-data) or as a Parquet table, without the images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from shared.datasets.export_selection import ExportSpec, ExportSummary, Split, archive_path, image_metadata
from shared.exports.markup import plain_text
from shared.models.image import ImageRecord

if TYPE_CHECKING:
    from arro3.core import DataType, RecordBatch, Schema

_IN_MEMORY = 16_000_000
_ROWS_PER_BATCH = 1000
_ROWS_PER_GROUP = 10_000
_INTEGER_COLUMNS = ("width", "height", "size_bytes")
_COLUMNS = (
    "id",
    "file_name",
    "split",
    "url",
    "page_url",
    "source",
    "keyword",
    "title",
    "author",
    "licence",
    "licence_url",
    "sha256",
    "phash",
    "group",
    "width",
    "height",
    "format",
    "size_bytes",
    "accepted",
    "level",
    "findings",
    "found_at",
)


def write_coco(records: Iterable[ImageRecord], out: BinaryIO, spec: ExportSpec) -> ExportSummary:
    """Write `info`, `images`, `annotations`, `licenses` and `categories` in this order, while the records are read.

    Categories are the keywords. An annotation assigns an image to its keyword; it has neither a box nor an outline.
    `file_name` is the image's path in the ZIP file of the same export.
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
    """Numbers keys from 1, in the order in which they first appear."""

    def id_of(self, key: tuple[str, ...]) -> int:
        return self.setdefault(key, len(self) + 1)


def _coco_info(spec: ExportSpec) -> dict[str, Any]:
    return {
        "description": plain_text(spec.title),
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
    """Write strings unchanged, and other values as JSON."""
    for piece in pieces:
        out.write((piece if isinstance(piece, str) else json.dumps(piece, ensure_ascii=False)).encode())


def write_parquet(records: Iterable[ImageRecord], out: BinaryIO, spec: ExportSpec) -> ExportSummary:
    """Write one row per image, in row groups of 10,000, compressed with Zstandard.

    The columns are those of `image_metadata`: `found_at` is a UTC timestamp, width, height and bytes are integers, and
    `findings` are separated by commas. Takes about 30 MB of memory, regardless of the number of rows.
    """
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet as write

    summary = ExportSummary()
    guard, schema = _ErrorGuard(out), _table_schema()
    rows = (image_metadata(record, part) for record, part in spec.select_records(records, summary))
    reader = RecordBatchReader.from_batches(schema, guard.guard_batches(_record_batches(rows, schema)))
    write(reader, guard, compression="zstd(3)", max_row_group_size=_ROWS_PER_GROUP)  # type: ignore[arg-type]
    if guard.error:
        raise guard.error
    return summary


class _ErrorGuard:
    """Keeps Python errors out of the native writer, which would lose their type or abort the process.

    Attributes:
        error: The first error; it makes the written file useless.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.error: Exception | None = None

    def guard_batches(self, batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
        try:
            for batch in batches:
                if self.error:
                    return
                yield batch
        except Exception as error:
            self.error = error

    def write(self, data: bytes) -> int:
        if not self.error:
            try:
                self._out.write(data)
            except Exception as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """Do nothing: the stream belongs to the caller."""

    def seek(self, offset: int) -> int:
        """Required by the native writer, but never called."""
        raise OSError("the stream cannot be rewound")


def _record_batches(rows: Iterator[dict[str, Any]], schema: Schema) -> Iterator[RecordBatch]:
    from arro3.core import Array, DataType, RecordBatch

    while batch := list(islice(rows, _ROWS_PER_BATCH)):
        columns = []
        for name in schema.names:
            values = [row[name] for row in batch]
            if name == "found_at":
                stamps = [round(value.timestamp() * 1e6) for value in values]
                columns.append(Array(stamps, type=DataType.int64()).cast(schema.field(name).type))
            else:
                columns.append(Array(values, type=schema.field(name).type))
        yield RecordBatch.from_arrays(columns, schema=schema)


def _table_schema() -> Schema:
    from arro3.core import DataType, Field, Schema

    types: dict[str, DataType] = dict.fromkeys(_COLUMNS, DataType.string())
    types |= dict.fromkeys(_INTEGER_COLUMNS, DataType.int64())
    types |= {"accepted": DataType.bool(), "found_at": DataType.timestamp("us", tz="UTC")}
    return Schema([Field(name, kind) for name, kind in types.items()])
