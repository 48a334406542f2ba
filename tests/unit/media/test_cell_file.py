"""Small pictures in a file, and what finds shots by them: as exact as in memory, which a long video does not fill."""

from __future__ import annotations

import errno
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.media.video.cell_file import CellFile, read_cells
from shared.media.video.fingerprints import TimedFingerprint
from shared.media.video.scanned_dissolves import find_dissolves
from shared.media.video.shots import hard_cuts, soft_cuts
from tests.media_samples import FPS


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 70)), min_size=1, max_size=20), st.integers(0, 1000))
def test_what_threads_store_they_read(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int]], seed: int
) -> None:
    """Each thread reads back its own cells, in their shape, whatever the others store meanwhile."""
    rng = np.random.default_rng(seed)
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in shapes]
    with CellFile(tmp_path_factory.mktemp("cells") / "cells") as cells, ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(cells.store, pictures))
        for picture, one in zip(pictures, pool.map(read_cells, stored), strict=True):
            np.testing.assert_array_equal(one, picture)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of which only a part could be written raise an error at once, by which the job waits for free space."""
    monkeypatch.setattr(os, "pwrite", lambda *_: 100)
    with CellFile(tmp_path / "cells") as cells, pytest.raises(OSError, match="space") as raised:
        cells.store(np.zeros(864, np.uint8))
    assert raised.value.errno == errno.ENOSPC


def test_a_long_video_takes_little_memory(tmp_path: Path) -> None:
    """While the shots of a video are found, only a few of its fingerprints are in memory."""
    count, length = 9000, 100
    with CellFile(tmp_path / "cells") as cells:
        frames = [
            TimedFingerprint(number / FPS, cells.store(np.full(864, 50 + 60 * (number // length % 2), np.uint8)))
            for number in range(count)
        ]
        tracemalloc.start()
        try:
            cuts = hard_cuts(frames)
            others = [*soft_cuts(frames), *find_dissolves(frames)]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert [round(cut * FPS) for cut in cuts] == list(range(length, count, length))
    assert others == []
    assert peak < count * 864 / 2
