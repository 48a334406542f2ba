"""Looking at one image, as closely as a level asks for."""

from __future__ import annotations

from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from shared.images.looked import Looked
from shared.images.opening import Refused, image_format, is_animated, open_image, orientation, shown_size
from shared.models.dataset import Level

if TYPE_CHECKING:
    from shared.media.images import Pixels

MAX_BYTES = 50_000_000
MAX_PIXELS = 64_000_000


def look(data: bytes | Path, *, level: Level, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Looked:
    """What the image is: `fast` reads its header, `medium` decodes and measures it, `slow` describes it too.

    Never raises for what stands in the file; a file that is not there raises OSError. At most `max_bytes` are read
    into memory, and decoding takes some 4 × `max_pixels` bytes.
    """
    found = _weighed(data, level)
    if found.size_bytes > max_bytes:
        return replace(found, fault="too_many_bytes", why=f"{found.size_bytes} bytes are more than {max_bytes}")
    content = data if isinstance(data, bytes) else data.read_bytes()
    try:
        found = replace(found, format=image_format(content))
        with open_image(content, found.format or "", max_pixels) as image:
            turned = orientation(image)
            width, height = shown_size(image, turned)
            found = replace(found, width=width, height=height, animated=is_animated(image))
            if level != "fast":
                from shared.images.pixels import decode

                found = _measured(found, decode(image, turned))
    except Refused as refused:
        found = replace(found, fault=refused.fault, why=str(refused))
    return found


def _weighed(data: bytes | Path, level: Level) -> Looked:
    if isinstance(data, bytes):
        return Looked(sha256(data).hexdigest(), len(data), level)
    with data.open("rb") as file:
        return Looked(file_digest(file, "sha256").hexdigest(), data.stat().st_size, level)


def _measured(found: Looked, rgb: Pixels) -> Looked:
    from shared.images import measures

    grey = measures.luma(rgb)
    measured = measures.measure(rgb, grey)
    return replace(
        found,
        measures=measured,
        phash=measures.perceptual_hash(grey),
        features=measures.features(rgb, grey, measured) if found.level == "slow" else None,
    )
