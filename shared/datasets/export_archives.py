"""Archives of a dataset: a ZIP file of folders (ImageFolder of Hugging Face), or tar files for WebDataset.

Both are written as streams, and contain the dataset card. WebDataset: https://github.com/webdataset/webdataset
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from io import SEEK_SET, BytesIO, RawIOBase
from shutil import copyfileobj
from tarfile import BLOCKSIZE, RECORDSIZE, USTAR_FORMAT, TarFile, TarInfo
from tarfile import open as open_tar
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from shared.datasets.export_card import dataset_card
from shared.datasets.export_selection import (
    ExportSpec,
    ExportSummary,
    Split,
    archive_path,
    file_extension,
    json_image_metadata,
    sample_key,
)
from shared.models.image import ImageRecord

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SHARD_BYTES = 1_000_000_000
_IN_MEMORY = 16_000_000
CreateFile = Callable[[str], AbstractContextManager[BinaryIO]]
"""Creates a file of a name for writing; it is complete if the block ends without an error."""


def write_zip(
    records: Iterable[ImageRecord], open_image: Callable[[ImageRecord], BinaryIO], out: BinaryIO, spec: ExportSpec
) -> ExportSummary:
    """Write `train/….jpg` and so on, `train/metadata.jsonl` with a line per image, and the dataset card `README.md`.

    Entries are stored, not deflated, because images are compressed already; ZIP64 is used where needed. Size and
    checksum precede each entry, so that the file can be read as a stream. Memory holds one image and about 600 bytes
    per written image for the central directory; metadata lines wait in temporary files.
    """
    with _ZipTailBuffer(out) as buffer:
        with ZipFile(buffer, "w", ZIP_STORED) as archive:
            summary = _fill_archive(archive, buffer, records, open_image, spec)
        buffer.release_buffer()
    return summary


def _fill_archive(
    archive: ZipFile,
    buffer: _ZipTailBuffer,
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
            buffer.release_buffer()
            if part not in lines:
                lines[part] = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            line = {**json_image_metadata(record, part), "file_name": archive_path(record, part).rpartition("/")[2]}
            lines[part].write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        for part, file in lines.items():
            file.seek(0)
            with archive.open(_zip_entry(f"{part}/metadata.jsonl", spec), "w", force_zip64=True) as entry:
                copyfileobj(file, entry)
            buffer.release_buffer()
    card = dataset_card(spec, summary, {part: f"{part}/**" for part in summary.nonempty_splits()})
    archive.writestr(_zip_entry("README.md", spec), card)
    return summary


def _zip_entry(name: str, spec: ExportSpec) -> ZipInfo:
    entry = ZipInfo(name, spec.created_at.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry


class _ZipTailBuffer(RawIOBase):
    """Holds back the end of a stream, because `zipfile` seeks back to an entry's header to complete it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._released_bytes = out, 0
        self._buffer = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with this buffer

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
        """Pass the buffer on to the output stream: it is final."""
        self._released_bytes += self._buffer.tell()
        self._buffer.seek(0)
        copyfileobj(self._buffer, self._out)
        self._buffer.seek(0)
        self._buffer.truncate()

    def close(self) -> None:
        self._buffer.close()
        super().close()


def write_webdataset(
    records: Iterable[ImageRecord],
    open_image: Callable[[ImageRecord], BinaryIO],
    create: CreateFile,
    spec: ExportSpec,
    shard_bytes: int = SHARD_BYTES,
) -> ExportSummary:
    """Write `train-000000.tar` and so on, each with pairs `{key}.jpg`, `{key}.json`, and the dataset card `README.md`.

    A shard has at most `shard_bytes`, unless a single image is larger. One shard of each split is open at a time, so
    `create` may be called again before earlier files are complete.
    """
    summary = ExportSummary()
    with ExitStack() as stack:
        shards: dict[Split, _ShardWriter] = {}
        for record, part in spec.select_records(records, summary):
            if part not in shards:
                shards[part] = _ShardWriter(part, create, shard_bytes, stack.enter_context(ExitStack()))
            with open_image(record) as image:
                data = image.read()
            line = json.dumps(json_image_metadata(record, part), ensure_ascii=False).encode()
            shards[part].add(
                {f"{sample_key(record)}.{file_extension(record)}": data, f"{sample_key(record)}.json": line}, spec
            )
    card = dataset_card(spec, summary, {part: f"{part}-*.tar" for part in summary.nonempty_splits()})
    with create("README.md") as file:
        file.write(card.encode())
    return summary


class _ShardWriter:
    """Writes the tar files of one split in order; the last one is open until `stack` closes."""

    def __init__(self, part: Split, create: CreateFile, limit: int, stack: ExitStack) -> None:
        self._part, self._create, self._limit, self._stack = part, create, limit, stack
        self._number, self._size = 0, 0
        self._tar = self._open_next_shard()

    def add(self, files: dict[str, bytes], spec: ExportSpec) -> None:
        size = sum(BLOCKSIZE + -(-len(data) // BLOCKSIZE) * BLOCKSIZE for data in files.values())
        if self._size and _tar_size(self._size + size) > self._limit:
            self._stack.close()
            self._tar = self._open_next_shard()
        self._size += size
        for name, data in files.items():
            entry = TarInfo(name)
            entry.size, entry.mtime = len(data), int(spec.created_at.timestamp())
            self._tar.addfile(entry, BytesIO(data))

    def _open_next_shard(self) -> TarFile:
        out = self._stack.enter_context(self._create(f"{self._part}-{self._number:06}.tar"))
        self._number, self._size = self._number + 1, 0
        return self._stack.enter_context(open_tar(fileobj=out, mode="w|", format=USTAR_FORMAT))


def _tar_size(size: int) -> int:
    """Return the bytes of a tar file whose entries have `size` bytes, including its end."""
    return -(-(size + 2 * BLOCKSIZE) // RECORDSIZE) * RECORDSIZE
