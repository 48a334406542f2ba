"""Looking at one image, as closely as a level asks for."""

from __future__ import annotations

from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from shared.images.looked import ImageInspection
from shared.images.opening import ImageFaultError, image_format, is_animated, open_image, orientation, upright_size
from shared.models.dataset import Level

if TYPE_CHECKING:
    from shared.media.images import Pixels

MAX_BYTES = 50_000_000
MAX_PIXELS = 64_000_000


def inspect_image(
    data: bytes | Path, *, level: Level, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> ImageInspection:
    """What the image is: `fast` reads its header, `medium` decodes and measures it, `slow` describes it too.

    Never raises for what stands in the file; a file that is not there raises OSError. At most `max_bytes` are read
    into memory, and decoding takes some 4 × `max_pixels` bytes.
    """
    inspection = _start_inspection(data, level)
    if inspection.size_bytes > max_bytes:
        return replace(
            inspection, fault="too_many_bytes", why=f"{inspection.size_bytes} bytes are more than {max_bytes}"
        )
    content = data if isinstance(data, bytes) else data.read_bytes()
    try:
        inspection = replace(inspection, format=image_format(content))
        with open_image(content, inspection.format or "", max_pixels) as image:
            exif_orientation = orientation(image)
            width, height = upright_size(image, exif_orientation)
            inspection = replace(inspection, width=width, height=height, animated=is_animated(image))
            if level != "fast":
                from shared.images.pixels import decode_pixels

                inspection = _add_measures(inspection, decode_pixels(image, exif_orientation))
    except ImageFaultError as error:
        inspection = replace(inspection, fault=error.fault, why=str(error))
    return inspection


def _start_inspection(data: bytes | Path, level: Level) -> ImageInspection:
    if isinstance(data, bytes):
        return ImageInspection(sha256(data).hexdigest(), len(data), level)
    with data.open("rb") as file:
        return ImageInspection(file_digest(file, "sha256").hexdigest(), data.stat().st_size, level)


def _add_measures(inspection: ImageInspection, rgb: Pixels) -> ImageInspection:
    from shared.images import measures

    grey = measures.luma(rgb)
    image_measures = measures.measure_pixels(rgb, grey)
    return replace(
        inspection,
        measures=image_measures,
        phash=measures.perceptual_hash(grey),
        features=measures.features(rgb, grey, image_measures) if inspection.level == "slow" else None,
    )
