"""Small pictures of image files, by Pillow alone: an export has no other use for OpenCV, which takes 160 MB."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, cast

from shared.images.image_file import (
    MAX_PIXELS,
    ImageFaultError,
    image_format,
    is_animated,
    iterate_frames,
    open_image,
    orientation,
    translate_reader_errors,
)

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SIDE = 160
_JPEG_QUALITY = 70
_WIDE_MODES = ("I", "F")
"""Grey of unknown range; that of modes such as `I;16` is 0 to 65535."""


def thumbnail_data_url(data: bytes, max_pixels: int = MAX_PIXELS) -> str | None:
    """Return a `data:` URL of a JPEG of at most 160 × 160 pixels, about 5 kB; None if decoding fails.

    It shows that frame of an animated image whose luma has the highest entropy.
    """
    try:
        with open_image(data, image_format(data), max_pixels) as image, translate_reader_errors():
            frames = iterate_frames(image, max_pixels) if is_animated(image) else [image]
            thumbnail = _turn_upright(
                max(map(_shrink_on_white, frames), key=lambda frame: frame.convert("L").entropy()), orientation(image)
            )
    except ImageFaultError:
        return None
    file = BytesIO()
    thumbnail.save(file, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"


def _shrink_on_white(image: ImageFile) -> Image:
    from PIL.Image import Resampling, new

    scale = min(1.0, SIDE / max(image.size))
    width, height = (max(1, round(scale * side)) for side in image.size)
    # A JPEG is decoded at the smallest scale that has twice the size.
    image.draft(None, (2 * width, 2 * height))
    image.load()
    if image.has_transparency_data:
        small = image.convert("RGBA").resize((width, height), Resampling.BOX)
        white = new("RGBA", small.size, "white")
        white.alpha_composite(small)
        return white.convert("RGB")
    opaque = _to_grey(image) if image.mode.startswith(_WIDE_MODES) else image.convert("RGB")
    return opaque.resize((width, height), Resampling.BOX).convert("RGB")


def _to_grey(image: Image) -> Image:
    """Convert grey of more than 8 bits; if its range is unknown, its minimum becomes black, its maximum white."""
    wide = image.convert("F")
    if image.mode not in _WIDE_MODES:
        return wide.point(lambda level: level * (1 / 256) + 0).convert("L")
    low, high = cast(tuple[float, float], wide.getextrema())
    scale = 255 / (high - low) if isfinite(high - low) and high > low else 0.0
    return wide.point(lambda level: level * scale - low * scale).convert("L")


def _turn_upright(image: Image, exif_orientation: int) -> Image:
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(exif_orientation)
    return image if method is None else image.transpose(method)
