"""What is known of a dataset's images as one Parquet table, without the images themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from shared.datasets.exports.entries import image_metadata
from shared.datasets.exports.ordering import ExportSpec, ExportSummary
from shared.models.dataset import ImageRecord

if TYPE_CHECKING:
    from arro3.core import DataType, RecordBatch, Schema

_ROWS_PER_BATCH = 1000
_ROWS_PER_GROUP = 10_000
_INTEGER_COLUMNS = ("width", "height", "size_bytes")


def write_parquet(records: Iterable[ImageRecord], out: BinaryIO, spec: ExportSpec) -> ExportSummary:
    """One row for each image, in row groups of 10 000, compressed with Zstandard.

    The columns are those of `entries.facts`: `found_at` is a timestamp in UTC, width, height and bytes are integers,
    `findings` are separated by commas. Some 30 MB of memory, however many rows there are.
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
    """Keeps errors of what is read and written out of the native writer, which would lose their type or abort.

    Attributes:
        problem: The first of them; whatever was written is of no use then.
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
        """The stream belongs to the caller."""

    def seek(self, offset: int) -> int:
        """The writer wants it to be there, and never calls it."""
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
