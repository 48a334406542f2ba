"""What two pictures have in common, so that the same text is not read twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.ai.screen.lines import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

REDUCTION = 8
"""Scale at which pictures are compared; changed letters are still visible at this size."""
SAME_BRIGHTNESS = 10
"""Maximum difference in brightness, of 255, at any point of two reduced pictures that count as identical."""
SAME_LINE = 0.2
"""Maximum distance between the sides of two boxes around the same line, as a share of its height: half a letter."""


def is_same_picture(first: Picture, second: Picture) -> bool:
    """Return True if two frames are visually identical, so that OCR of one can serve both."""
    import cv2

    if first.shape != second.shape:
        return False
    size = (max(1, first.shape[1] // REDUCTION), max(1, first.shape[0] // REDUCTION))
    small = (cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (first, second))
    return bool(cv2.absdiff(*small).max() < SAME_BRIGHTNESS)


def is_same_line(first: Picture, first_box: Box, second: Picture, second_box: Box) -> bool:
    """Return True if two boxes are around the same place, and the frames are visually identical there."""
    tolerance = SAME_LINE * (first_box[3] - first_box[1])
    if any(abs(a - b) > tolerance for a, b in zip(first_box, second_box, strict=True)):
        return False
    left, top = (max(0, int(min(first_box[side], second_box[side]))) for side in (0, 1))
    right, bottom = (int(max(first_box[side], second_box[side])) + 1 for side in (2, 3))
    return is_same_picture(first[top:bottom, left:right], second[top:bottom, left:right])
