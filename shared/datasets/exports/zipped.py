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
from shared.datasets.exports.entries import json_facts, path
from shared.datasets.exports.ordering import Order, Summary
from shared.datasets.exports.splits import Split
from shared.models.dataset import ImageRecord

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_IN_MEMORY = 16_000_000


def write_zip(
    records: Iterable[ImageRecord], open_image: Callable[[ImageRecord], BinaryIO], out: BinaryIO, order: Order
) -> Summary:
    """`train/….jpg` and so on, `train/metadata.jsonl` with a line for each, and `README.md`, the dataset card.

    Stored, not deflated: images are compressed already. ZIP64 where numbers or sizes need it. Every entry has its size
    and checksum before it, so that the file can also be read as a stream. In memory are one image at a time, and some
    600 bytes for each image written, of which the directory at the end is made; the lines wait in temporary files.
    """
    with _Window(out) as window:
        with ZipFile(window, "w", ZIP_STORED) as archive:
            summary = _fill(archive, window, records, open_image, order)
        window.release()
    return summary


def _fill(
    archive: ZipFile,
    window: _Window,
    records: Iterable[ImageRecord],
    open_image: Callable[[ImageRecord], BinaryIO],
    order: Order,
) -> Summary:
    summary = Summary()
    with ExitStack() as stack:
        lines: dict[Split, IO[bytes]] = {}
        for record, part in order.through(records, summary):
            with open_image(record) as image:
                archive.writestr(_entry(path(record, part), order), image.read())
            window.release()
            if part not in lines:
                lines[part] = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            line = {**json_facts(record, part), "file_name": path(record, part).rpartition("/")[2]}
            lines[part].write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        for part, file in lines.items():
            file.seek(0)
            with archive.open(_entry(f"{part}/metadata.jsonl", order), "w", force_zip64=True) as entry:
                copyfileobj(file, entry)
            window.release()
    card = dataset_card(order, summary, {part: f"{part}/**" for part in summary.in_splits()})
    archive.writestr(_entry("README.md", order), card)
    return summary


def _entry(name: str, order: Order) -> ZipInfo:
    entry = ZipInfo(name, order.created_at.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry


class _Window(RawIOBase):
    """The end of a stream, as far as it may still be changed: `zipfile` goes back to an entry's head to complete it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._gone = out, 0
        self._held = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the window

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._gone + self._held.tell()

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._held.seek(offset - self._gone)
        return offset

    def write(self, data: ReadableBuffer) -> int:
        return self._held.write(data)

    def release(self) -> None:
        """What was written is final."""
        self._gone += self._held.tell()
        self._held.seek(0)
        copyfileobj(self._held, self._out)
        self._held.seek(0)
        self._held.truncate()

    def close(self) -> None:
        self._held.close()
        super().close()
