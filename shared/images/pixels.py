"""Decoding an opened image to the few pixels that are measured, as it is shown on a white page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.images.opening import translate_reader_errors
from shared.media.images import Pixels, fitted_size

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

LONG_SIDE = 512
_FLIPPED_ORIENTATIONS = (2, 4, 5, 7)
_ROTATIONS = {3: cv2.ROTATE_180, 4: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_90_CLOCKWISE}
_ROTATIONS |= {5: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}


def decode_pixels(image: ImageFile, exif_orientation: int) -> Pixels:
    """The whole image, decoded to its last byte, then shrunk to 512 pixels on the long side and upright. RGB.

    JPEGs are decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 that suffices: every coefficient is still read.

    Raises:
        Refused: `corrupt`.
    """
    size = fitted_size(*image.size, LONG_SIDE)
    with translate_reader_errors():
        image.draft(None, (2 * size[0], 2 * size[1]))  # twice as fine: scaling twice blurs what is measured
        image.load()
        pixels = _flatten_on_white(image, size)
    if exif_orientation in _FLIPPED_ORIENTATIONS:
        pixels = cv2.flip(pixels, 1)  # type: ignore[assignment]
    return cv2.rotate(pixels, _ROTATIONS[exif_orientation]) if exif_orientation in _ROTATIONS else pixels  # type: ignore[return-value]


def _flatten_on_white(image: ImageFile, size: tuple[int, int]) -> Pixels:
    if image.has_transparency_data:
        premultiplied = _shrink_to(np.asarray(image.convert("RGBA").convert("RGBa")), size)
        return premultiplied[..., :3] + (255 - premultiplied[..., 3:])
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
    elif image.mode in ("I", "F"):
        grey = _stretch_range(np.asarray(image, np.float64))
    elif image.mode in ("1", "L"):
        grey = np.asarray(image.convert("L"))
    else:
        return _shrink_to(np.asarray(image if image.mode == "RGB" else image.convert("RGB")), size)
    return np.repeat(_shrink_to(grey, size)[..., np.newaxis], 3, axis=2)


def _shrink_to(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if pixels.shape[1::-1] == size:
        return pixels
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _stretch_range(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers without a known range, from black for the least to white for the most."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / (high - low or 1.0))).astype(np.uint8)
