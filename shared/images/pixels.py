"""Pixels of an opened image, shrunk and on white: decoding, measures, perceptual hash, features and thumbnails."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.images.image_file import (
    MAX_PIXELS,
    ImageFaultError,
    ImageMeasures,
    image_format,
    open_image,
    orientation,
    translate_reader_errors,
)
from shared.media.images import Pixels, fit_size, resize

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

LONG_SIDE = 512
_FLIPPED_ORIENTATIONS = (2, 4, 5, 7)
_ROTATIONS = {3: cv2.ROTATE_180, 4: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_90_CLOCKWISE}
_ROTATIONS |= {5: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
DARK, LIGHT = 32, 245
_TILES_PER_SIDE = 4
_HASH_SIDE, _HASH_FREQUENCIES = 32, 8
_MIN_HASH_DEVIATION = 1.0
_LEVELS = np.arange(256.0)
_THUMBNAIL_SIDE = 160
_JPEG_QUALITY = 70
Grey = NDArray[np.uint8]


def decode_pixels(image: ImageFile, exif_orientation: int) -> Pixels:
    """Decode the whole image, shrink it to 512 pixels on the long side and turn it upright. Returns RGB.

    JPEGs are decoded at the smallest sufficient scale of 1/1, 1/2, 1/4 and 1/8; every coefficient is still read.

    Raises:
        ImageFaultError: `corrupt`.
    """
    size = fit_size(*image.size, LONG_SIDE)
    with translate_reader_errors():
        # Twice the size: scaling twice would lower the measured sharpness.
        image.draft(None, (2 * size[0], 2 * size[1]))
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
    """Map values of unknown range to grey: the minimum to black, the maximum to white."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / (high - low or 1.0))).astype(np.uint8)


def measure_pixels(rgb: Pixels, grey: Grey) -> ImageMeasures:
    """Measure an image, passed as RGB and as its luma."""
    histogram = _histogram(grey)
    _, spread = cv2.meanStdDev(rgb)
    return ImageMeasures(
        spread=float(spread.max()),
        entropy=entropy(histogram),
        sharpness=sharpness(grey),
        dark=float(histogram[:DARK].sum()),
        light=float(histogram[LIGHT + 1 :].sum()),
    )


def luma(rgb: Pixels) -> Grey:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def entropy(shares: NDArray[np.float64]) -> float:
    """Return the entropy of a distribution in bits (Shannon 1948)."""
    nonzero = shares[shares > 0]
    return float(max(0.0, -(nonzero * np.log2(nonzero)).sum()))


def sharpness(grey: Grey) -> float:
    """Return the variance of the Laplacian, the 90th percentile of 4 × 4 tiles.

    The measure is from Pech-Pacheco et al., «Diatom autofocusing in brightfield microscopy», ICPR 2000. Because of the
    tiles, a blurred background does not make a sharp subject blurry.
    """
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    rows = (part for part in np.array_split(edges, min(_TILES_PER_SIDE, len(edges))))
    tiles = [tile for row in rows for tile in np.array_split(row, min(_TILES_PER_SIDE, row.shape[1]), axis=1)]
    return float(np.quantile([cv2.meanStdDev(tile)[1][0, 0] ** 2 for tile in tiles], 0.9))


def perceptual_hash(grey: Grey) -> int | None:
    """Return 64 bits: which of the 8 × 8 lowest frequencies, without the constant ones, are above their median.

    The DCT hash of Zauner, «Implementation and benchmarking of perceptual image hash functions» (2010), section 3.2.1.
    Scaling, re-encoding, brightness and contrast change few bits. Mirrored, rotated and cropped images count as
    different, since text and traffic signs change their meaning. Returns None if luma hardly varies: hashes of blank
    images would depend on noise only.
    """
    if cv2.meanStdDev(grey)[1][0, 0] < _MIN_HASH_DEVIATION:
        return None
    small = cv2.resize(grey, (_HASH_SIDE, _HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[1 : _HASH_FREQUENCIES + 1, 1 : _HASH_FREQUENCIES + 1].ravel()
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes(), "big")


def color_features(rgb: Pixels, grey: Grey, measures: ImageMeasures) -> tuple[float, ...]:
    """Return 13 numbers that describe the kind of image; a difference below 1 is hardly visible.

    Mean, deviation and skewness of the three channels of CIE L*a*b* (Stricker & Orengo, «Similarity of color images»,
    1995), entropy, the logarithms of sharpness and aspect ratio, and the horizontal share of luma changes.
    """
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab), np.uint8)
    mean, deviation, skewness = np.transpose(
        [_moments(np.ascontiguousarray(lab[..., channel])) for channel in range(3)]
    )
    across = cv2.norm(grey[:, 1:], grey[:, :-1], cv2.NORM_L1) if grey.shape[1] > 1 else 0.0
    down = cv2.norm(grey[1:], grey[:-1], cv2.NORM_L1) if grey.shape[0] > 1 else 0.0
    height, width = grey.shape
    return (
        *(float(value) / 4 for value in (*mean, *deviation, *skewness)),
        measures.entropy / 0.25,
        float(np.log1p(measures.sharpness)) / 0.25,
        float(np.log(width / height)) / 0.1,
        across / (across + down or 1.0) / 0.02,
    )


def _moments(channel: Grey) -> tuple[float, float, float]:
    """Return mean, standard deviation, and cube root of the third central moment."""
    shares = _histogram(channel)
    mean = float(shares @ _LEVELS)
    deviation = _LEVELS - mean
    return mean, float(np.sqrt(shares @ deviation**2)), float(np.cbrt(shares @ deviation**3))


def _histogram(channel: Grey) -> NDArray[np.float64]:
    """Return the share of pixels at each of 256 levels."""
    counts = cv2.calcHist([channel], [0], None, [256], [0, 256])
    return np.asarray(counts, np.float64).ravel() / channel.size


def thumbnail_data_url(data: bytes, max_pixels: int = MAX_PIXELS) -> str | None:
    """Return a `data:` URL of a JPEG of at most 160 × 160 pixels, about 5 kB; None if decoding fails."""
    try:
        with open_image(data, image_format(data), max_pixels) as image:
            pixels = decode_pixels(image, orientation(image))
    except ImageFaultError:
        return None
    thumbnail = resize(pixels, fit_size(pixels.shape[1], pixels.shape[0], _THUMBNAIL_SIDE))
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(thumbnail, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return f"data:image/jpeg;base64,{b64encode(jpeg.tobytes()).decode()}"
