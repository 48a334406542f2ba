"""Find where slides change: still pages that differ little from each other, since most of both is the same paper."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from shared.media.video.fingerprints import Fingerprint, TimedFingerprint, luma_part, row_blocks

# Of a page, so many cells have exactly the paper's level; no camera takes such a picture.
_PAPER_SHARE, _WRITTEN_LEVELS = 0.3, 3
# An encoder that draws a still picture again changes its cells by less.
_CHANGED_LEVELS = 2
# A caption over a full page changes up to 0.29 of what is written there, another slide 0.4 and more.
_REPLACED_SHARE = 0.34
_FEWEST_CELLS = 12
_STILL_SHARE, _STILL_SEC = 0.25, 0.2


def find_slide_changes(frames: Sequence[TimedFingerprint]) -> list[int]:
    """Return the indexes of the frames, which are in order of time, at which another slide appears.

    Much of what was on the page is gone or covered at once, and the pictures before and after do not move. A line that
    is added and a caption leave most of the page as it was.
    """
    counts = [_changed(rows[1:], rows[:-1]).sum(axis=-1) for rows in row_blocks(frames, overlap=1)]
    changed = np.concatenate([np.zeros(0, np.int64), *counts])
    return [
        last + 1
        for last in np.flatnonzero(changed >= _FEWEST_CELLS).tolist()
        if is_other_slide(frames[last].fingerprint, frames[last + 1].fingerprint)
        and _is_still(frames, last, last + 1, int(changed[last]))
    ]


def is_other_slide(first: Fingerprint, second: Fingerprint) -> bool:
    """Return True if much of what is written on a page is missing from another picture; False if it is no page."""
    page = luma_part(first)
    level = int(np.bincount(page).argmax())
    if np.count_nonzero(page == level) < _PAPER_SHARE * page.size:
        return False
    is_written = np.abs(page.astype(np.int16) - level) >= _WRITTEN_LEVELS
    changed = _changed(first, second)
    return bool(
        np.count_nonzero(changed) >= _FEWEST_CELLS
        and np.count_nonzero(changed & is_written) >= _REPLACED_SHARE * np.count_nonzero(is_written)
    )


def _changed(first: Fingerprint, second: Fingerprint) -> NDArray[np.bool_]:
    return np.asarray(np.abs(np.subtract(luma_part(first), luma_part(second), dtype=np.int16)) >= _CHANGED_LEVELS)


def _is_still(frames: Sequence[TimedFingerprint], last: int, first: int, changed: int) -> bool:
    """Return True if far fewer cells change shortly before the frame `last`, and after `first`, than between them."""
    before, after = frames[last], frames[first]
    earlier = takewhile(lambda index: frames[index].time >= before.time - _STILL_SEC, range(last - 1, -1, -1))
    later = takewhile(lambda index: frames[index].time <= after.time + _STILL_SEC, range(first + 1, len(frames)))
    return all(
        np.count_nonzero(_changed(frames[index].fingerprint, one.fingerprint)) <= _STILL_SHARE * changed
        for one, indexes in ((before, earlier), (after, later))
        for index in indexes
    )
