"""What looking at an image gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.models.dataset import Level

Fault = Literal["too_many_bytes", "unsupported", "too_many_pixels", "corrupt"]


@dataclass(frozen=True)
class ImageMeasures:
    """Of the image as it is shown, shrunk to 512 pixels on the long side; luma is 0 to 255.

    Attributes:
        spread: Standard deviation of the channel that varies most.
        entropy: Of the histogram of luma, in bits (0 to 8).
        sharpness: See `shared.images.measures.sharpness`.
        dark: Share of the pixels with a luma below 32.
        light: Share of the pixels with a luma above 245.
    """

    spread: float
    entropy: float
    sharpness: float
    dark: float
    light: float


@dataclass(frozen=True)
class ImageInspection:
    """An image, or what is wrong with it.

    Attributes:
        sha256: Of the bytes as they are.
        fault: Why it was not looked at further; None when all that `level` asks for was found.
        why: The same in words, for people.
        format: By content: jpeg, png, webp, gif, bmp or tiff.
        width: In pixels, as it is shown (after EXIF's orientation).
        height: As `width`.
        animated: Whether it has more than one frame; only the first is looked at.
        measures: None below medium, or with a fault.
        phash: 64 bits; None where there is nothing to compare: below medium, with a fault, of a blank image.
        features: Colour, texture and shape in 13 numbers, for `outliers`; None below slow, or with a fault.
    """

    sha256: str
    size_bytes: int
    level: Level
    fault: Fault | None = None
    fault_message: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    animated: bool = False
    measures: ImageMeasures | None = None
    phash: int | None = None
    features: tuple[float, ...] | None = None
