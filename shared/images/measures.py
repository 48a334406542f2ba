"""What is measured on the pixels of an image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.images.looked import ImageMeasures
from shared.media.images import Pixels

DARK, LIGHT = 32, 245
_TILES_PER_SIDE = 4
_HASH_SIDE, _HASH_FREQUENCIES = 32, 8
_MIN_HASH_DEVIATION = 1.0
_LEVELS = np.arange(256.0)

Grey = NDArray[np.uint8]


def measure_pixels(rgb: Pixels, grey: Grey) -> ImageMeasures:
    """Both are of the same image; `grey` is its luma."""
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
    """In bits (Shannon 1948)."""
    nonzero = shares[shares > 0]
    return float(max(0.0, -(nonzero * np.log2(nonzero)).sum()))


def sharpness(grey: Grey) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., «Diatom autofocusing in brightfield microscopy», ICPR 2000).

    Taken in each of 4 × 4 tiles, of which the 90th percentile counts: a sharp subject before a blurred background is
    as sharp as its subject.
    """
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    rows = (part for part in np.array_split(edges, min(_TILES_PER_SIDE, len(edges))))
    tiles = [tile for row in rows for tile in np.array_split(row, min(_TILES_PER_SIDE, row.shape[1]), axis=1)]
    return float(np.quantile([cv2.meanStdDev(tile)[1][0, 0] ** 2 for tile in tiles], 0.9))


def perceptual_hash(grey: Grey) -> int | None:
    """64 bits: which of the 8 × 8 lowest frequencies, without the constant ones, are above their median.

    The DCT hash of Zauner, «Implementation and benchmarking of perceptual image hash functions» (2010), section 3.2.1.
    Scaling, encoding again and changes of brightness and contrast change few bits. A mirrored, turned or cropped image
    is another one: left and right matter to whoever reads text or traffic signs. None where luma hardly varies: all
    blank images would be near each other, or far, for the noise in them.
    """
    if cv2.meanStdDev(grey)[1][0, 0] < _MIN_HASH_DEVIATION:
        return None
    small = cv2.resize(grey, (_HASH_SIDE, _HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[1 : _HASH_FREQUENCIES + 1, 1 : _HASH_FREQUENCIES + 1].ravel()
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes(), "big")


def features(rgb: Pixels, grey: Grey, measures: ImageMeasures) -> tuple[float, ...]:
    """What kind of image it is, in 13 numbers; a difference below 1 is hardly seen.

    Mean, deviation and skewness of the three channels of CIE L*a*b* (Stricker & Orengo, «Similarity of color images»,
    1995), entropy, the logarithms of sharpness and aspect, and how much of luma's changes is across and not down.
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
    """Mean, standard deviation, and cube root of the third central moment."""
    shares = _histogram(channel)
    mean = float(shares @ _LEVELS)
    deviation = _LEVELS - mean
    return mean, float(np.sqrt(shares @ deviation**2)), float(np.cbrt(shares @ deviation**3))


def _histogram(channel: Grey) -> NDArray[np.float64]:
    """Share of the pixels at each of 256 levels."""
    counts = cv2.calcHist([channel], [0], None, [256], [0, 256])
    return np.asarray(counts, np.float64).ravel() / channel.size
