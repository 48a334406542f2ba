"""Small pictures in a file, so that those of a long video need not be in memory."""

from __future__ import annotations

import errno
import math
import os
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint8]


class CellFile:
    """Cells that several threads write and read, in a file of its own; it has to be closed."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._lock, self._size = threading.Lock(), 0

    def __enter__(self) -> CellFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def store(self, cells: Cells) -> StoredCells:
        with self._lock:
            at, self._size = self._size, self._size + cells.size
        if os.pwrite(self._descriptor, np.ascontiguousarray(cells).data, at) < cells.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return StoredCells(self, at, cells.shape)

    def read(self, at: int, count: int) -> Cells:
        return np.frombuffer(os.pread(self._descriptor, count, at), np.uint8)


class StoredCells(NamedTuple):
    """Cells of a shape, at a place in a file."""

    file: CellFile
    at: int
    shape: tuple[int, ...]


def read_cells(cells: Cells | StoredCells) -> Cells:
    """Return cells as an array, wherever they are."""
    if not isinstance(cells, StoredCells):
        return cells
    return cells.file.read(cells.at, math.prod(cells.shape)).reshape(cells.shape)
