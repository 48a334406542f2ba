"""Pixels of an opened image, shrunk and on white: decoding, measures, perceptual hash and features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.images.image_file import (
    ImageFaultError,
    ImageMeasures,
    is_animated,
    iterate_frames,
    translate_reader_errors,
)
from shared.media.images import Pixels, fit_size

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

LONG_SIDE = 512
_FLIPPED_ORIENTATIONS = (2, 4, 5, 7)
_ROTATIONS = {3: cv2.ROTATE_180, 4: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_90_CLOCKWISE}
_ROTATIONS |= {5: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FRAMES = 4
DARK, LIGHT = 32, 215
_TILES_PER_SIDE = 4
# Second derivatives: horizontal, vertical and mixed.
_CURVATURE_KERNELS = (
    np.array([[1, -2, 1]], np.float32),
    np.array([[1], [-2], [1]], np.float32),
    np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], np.float32) / 4,
)
_ANGLES = np.radians(np.arange(0, 180, 15))
# Their sums: the Laplacian, and the second derivative in each direction.
_CURVATURE_WEIGHTS = np.array(
    [(1, 1, 0), *zip(np.cos(_ANGLES) ** 2, np.sin(_ANGLES) ** 2, np.sin(2 * _ANGLES), strict=True)]
)
_ISOTROPIC_RATIO = 0.25
_HASH_SIDE, _HASH_FREQUENCIES = 32, 8
_MIN_HASH_DEVIATION = 1.0
_LEVELS = np.arange(256.0)
_EXTRA_BYTES = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_PADDING_BYTES = 16
Grey = NDArray[np.uint8]


def decode_frames(image: ImageFile, exif_orientation: int, max_pixels: int) -> list[Pixels]:
    """Decode the image, shrink it to 512 pixels on the long side and turn it upright. Returns one RGB frame.

    Returns four frames of an animated image, those whose luma has the highest entropy, highest first. Decodes as many
    of its first 100 frames as have `max_pixels` together. JPEGs are decoded at the smallest sufficient scale of 1/1,
    1/2, 1/4 and 1/8; every coefficient is still read.

    Raises:
        ImageFaultError: `corrupt`.
    """
    if not is_animated(image):
        return [_decode_frame(image, exif_orientation)]
    best: list[tuple[float, Pixels]] = []
    for each in iterate_frames(image, max_pixels):
        frame = _decode_frame(each, exif_orientation)
        best.append((entropy(_histogram(luma(frame))), frame))
        best = sorted(best, key=lambda pair: -pair[0])[:_FRAMES]
    return [frame for _, frame in best]


def _decode_frame(image: ImageFile, exif_orientation: int) -> Pixels:
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


def check_jpeg_data(data: bytes) -> None:
    """Raises ImageFaultError `corrupt` if the decoder had to skip or invent data, which Pillow does silently.

    Decodes at an eighth of the size: every coefficient is still read. Some cameras append a few bytes to the data.
    """
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True, min_height=1, min_width=1, min_factor=8)
    except ValueError as error:
        message = str(error)
        extra = _EXTRA_BYTES.search(message)
        is_padding = extra is not None and int(extra[1]) <= _PADDING_BYTES
        # Other messages are about what this reader does not support.
        if message.startswith(("Corrupt JPEG data", "Premature end")) and not is_padding:
            raise ImageFaultError("corrupt", message) from error


def measure_frames(frames: list[Pixels]) -> ImageMeasures:
    """Return the best value of each measure: an animated image has a flaw only if each of its frames has it."""
    measures = [_measure_frame(rgb, luma(rgb)) for rgb in frames]
    return ImageMeasures(
        spread=max(frame.spread for frame in measures),
        entropy=max(frame.entropy for frame in measures),
        sharpness=max(frame.sharpness for frame in measures),
        dark=min(frame.dark for frame in measures),
        light=min(frame.light for frame in measures),
    )


def _measure_frame(rgb: Pixels, grey: Grey) -> ImageMeasures:
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
    """Return the variance of the Laplacian, the 90th percentile of 4 × 4 tiles; less if motion blurred the image.

    The measure is from Pech-Pacheco et al., «Diatom autofocusing in brightfield microscopy», ICPR 2000. Because of the
    tiles, a blurred background does not make a sharp subject blurry.

    Motion smooths edges in its own direction only, and leaves the Laplacian high. The variance of the second derivative
    in the direction where it is least therefore counts too. Four times that variance is about the Laplacian's in sharp
    images. It is lowered further if it is below a quarter of the greatest, as in few sharp images.
    """
    pixels = grey.astype(np.float32)
    derivatives = [cv2.filter2D(pixels, cv2.CV_32F, kernel) for kernel in _CURVATURE_KERNELS]
    curvature = np.stack(derivatives, -1, dtype=np.float32)
    rows = np.array_split(curvature, min(_TILES_PER_SIDE, len(grey)))
    tiles = [tile for row in rows for tile in np.array_split(row, min(_TILES_PER_SIDE, row.shape[1]), axis=1)]
    covariances = np.stack([_covariance(tile.reshape(-1, 3)) for tile in tiles])
    variances = np.einsum("di,tij,dj->td", _CURVATURE_WEIGHTS, covariances, _CURVATURE_WEIGHTS)
    laplacian, *directional = np.quantile(variances, 0.9, axis=0).tolist()
    least, greatest = min(directional), max(directional)
    ratio = least / greatest if greatest > 0 else 1.0
    return float(max(0.0, min(laplacian, 4 * least * min(1.0, ratio / _ISOTROPIC_RATIO) ** 2)))


def _covariance(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    mean = samples.mean(axis=0, dtype=np.float64)
    return (samples.T @ samples).astype(np.float64) / len(samples) - np.outer(mean, mean)


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
