"""A dataset as tar files for WebDataset (github.com/webdataset/webdataset)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from io import BytesIO
from tarfile import BLOCKSIZE, RECORDSIZE, USTAR_FORMAT, TarFile, TarInfo
from tarfile import open as open_tar
from typing import BinaryIO

from shared.datasets.exports.card import dataset_card
from shared.datasets.exports.entries import file_extension, json_image_metadata, sample_key
from shared.datasets.exports.ordering import ExportSpec, ExportSummary
from shared.datasets.exports.splits import Split
from shared.models.dataset import ImageRecord

CreateFile = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a new file of that name to be written; leaving the block without an error makes it complete."""

SHARD_BYTES = 1_000_000_000


def write_webdataset(
    records: Iterable[ImageRecord],
    open_image: Callable[[ImageRecord], BinaryIO],
    create: CreateFile,
    spec: ExportSpec,
    shard_bytes: int = SHARD_BYTES,
) -> ExportSummary:
    """`train-000000.tar` and so on, in each `{key}.jpg` followed by `{key}.json`; and `README.md`, the dataset card.

    A shard ends before it gets longer than `shard_bytes`, unless one image alone is. One shard of each split is open at
    a time, so `create` may be called again before its earlier files are complete.
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
    """The tar files of one split, one after the other; the last one is open as long as `opened` is."""

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
    """Bytes of a tar file with entries of that size, and its end."""
    return -(-(size + 2 * BLOCKSIZE) // RECORDSIZE) * RECORDSIZE
