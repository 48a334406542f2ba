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
from shared.datasets.exports.entries import extension, json_facts, key
from shared.datasets.exports.ordering import Order, Summary
from shared.datasets.exports.splits import Split
from shared.models.dataset import ImageRecord

Create = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a new file of that name to be written; leaving the block without an error makes it complete."""

SHARD_BYTES = 1_000_000_000


def write_webdataset(
    records: Iterable[ImageRecord],
    open_image: Callable[[ImageRecord], BinaryIO],
    create: Create,
    order: Order,
    shard_bytes: int = SHARD_BYTES,
) -> Summary:
    """`train-000000.tar` and so on, in each `{key}.jpg` followed by `{key}.json`; and `README.md`, the dataset card.

    A shard ends before it gets longer than `shard_bytes`, unless one image alone is. One shard of each split is open at
    a time, so `create` may be called again before its earlier files are complete.
    """
    summary = Summary()
    with ExitStack() as stack:
        shards: dict[Split, _Shards] = {}
        for record, part in order.through(records, summary):
            if part not in shards:
                shards[part] = _Shards(part, create, shard_bytes, stack.enter_context(ExitStack()))
            with open_image(record) as image:
                data = image.read()
            line = json.dumps(json_facts(record, part), ensure_ascii=False).encode()
            shards[part].add({f"{key(record)}.{extension(record)}": data, f"{key(record)}.json": line}, order)
    card = dataset_card(order, summary, {part: f"{part}-*.tar" for part in summary.in_splits()})
    with create("README.md") as file:
        file.write(card.encode())
    return summary


class _Shards:
    """The tar files of one split, one after the other; the last one is open as long as `opened` is."""

    def __init__(self, part: Split, create: Create, limit: int, opened: ExitStack) -> None:
        self._part, self._create, self._limit, self._opened = part, create, limit, opened
        self._number, self._size = 0, 0
        self._tar = self._next()

    def add(self, files: dict[str, bytes], order: Order) -> None:
        size = sum(BLOCKSIZE + -(-len(data) // BLOCKSIZE) * BLOCKSIZE for data in files.values())
        if self._size and _closed(self._size + size) > self._limit:
            self._opened.close()
            self._tar = self._next()
        self._size += size
        for name, data in files.items():
            entry = TarInfo(name)
            entry.size, entry.mtime = len(data), int(order.created_at.timestamp())
            self._tar.addfile(entry, BytesIO(data))

    def _next(self) -> TarFile:
        out = self._opened.enter_context(self._create(f"{self._part}-{self._number:06}.tar"))
        self._number, self._size = self._number + 1, 0
        return self._opened.enter_context(open_tar(fileobj=out, mode="w|", format=USTAR_FORMAT))


def _closed(size: int) -> int:
    """Bytes of a tar file with entries of that size, and its end."""
    return -(-(size + 2 * BLOCKSIZE) // RECORDSIZE) * RECORDSIZE
