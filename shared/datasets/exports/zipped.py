"""A dataset as one ZIP file of folders, in the form that Hugging Face calls ImageFolder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from io import SEEK_SET, RawIOBase
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from shared.datasets.exports.card import dataset_card
from shared.datasets.exports.entries import archive_path, json_image_metadata
from shared.datasets.exports.ordering import ExportSpec, ExportSummary
from shared.datasets.exports.splits import Split
from shared.models.dataset import ImageRecord

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_IN_MEMORY = 16_000_000


def write_zip(
    records: Iterable[ImageRecord], open_image: Callable[[ImageRecord], BinaryIO], out: BinaryIO, spec: ExportSpec
) -> ExportSummary:
    """`train/….jpg` and so on, `train/metadata.jsonl` with a line for each, and `README.md`, the dataset card.

    Stored, not deflated: images are compressed already. ZIP64 where numbers or sizes need it. Every entry has its size
    and checksum before it, so that the file can also be read as a stream. In memory are one image at a time, and some
    600 bytes for each image written, of which the directory at the end is made; the lines wait in temporary files.
    """
    with _ZipTailBuffer(out) as window:
        with ZipFile(window, "w", ZIP_STORED) as archive:
            summary = _fill_archive(archive, window, records, open_image, spec)
        window.release_buffer()
    return summary


def _fill_archive(
    archive: ZipFile,
    window: _ZipTailBuffer,
    records: Iterable[ImageRecord],
    open_image: Callable[[ImageRecord], BinaryIO],
    spec: ExportSpec,
) -> ExportSummary:
    summary = ExportSummary()
    with ExitStack() as stack:
        lines: dict[Split, IO[bytes]] = {}
        for record, part in spec.select_records(records, summary):
            with open_image(record) as image:
                archive.writestr(_zip_entry(archive_path(record, part), spec), image.read())
            window.release_buffer()
            if part not in lines:
                lines[part] = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            line = {**json_image_metadata(record, part), "file_name": archive_path(record, part).rpartition("/")[2]}
            lines[part].write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        for part, file in lines.items():
            file.seek(0)
            with archive.open(_zip_entry(f"{part}/metadata.jsonl", spec), "w", force_zip64=True) as entry:
                copyfileobj(file, entry)
            window.release_buffer()
    card = dataset_card(spec, summary, {part: f"{part}/**" for part in summary.nonempty_splits()})
    archive.writestr(_zip_entry("README.md", spec), card)
    return summary


def _zip_entry(name: str, spec: ExportSpec) -> ZipInfo:
    entry = ZipInfo(name, spec.created_at.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry


class _ZipTailBuffer(RawIOBase):
    """The end of a stream, as far as it may still be changed: `zipfile` goes back to an entry's head to complete it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._released_bytes = out, 0
        self._buffer = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the window

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._released_bytes + self._buffer.tell()

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._buffer.seek(offset - self._released_bytes)
        return offset

    def write(self, data: ReadableBuffer) -> int:
        return self._buffer.write(data)

    def release_buffer(self) -> None:
        """What was written is final."""
        self._released_bytes += self._buffer.tell()
        self._buffer.seek(0)
        copyfileobj(self._buffer, self._out)
        self._buffer.seek(0)
        self._buffer.truncate()

    def close(self) -> None:
        self._buffer.close()
        super().close()
