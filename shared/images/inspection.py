"""Inspection of one image at a level, and the checks that its properties must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shared.images.image_file import (
    MAX_BYTES,
    MAX_PIXELS,
    ImageFaultError,
    ImageInspection,
    ImageMeasures,
    image_format,
    is_animated,
    open_image,
    orientation,
    upright_size,
)
from shared.models.image import ImageFinding, Level, Thresholds

if TYPE_CHECKING:
    from shared.media.images import Pixels

LEVELS: tuple[Level, ...] = ("fast", "medium", "slow")

CHECKS: dict[str, Level] = {
    "corrupt": "fast",
    "unsupported": "fast",
    "too_many_bytes": "fast",
    "too_many_pixels": "fast",
    "blank": "medium",
    "duplicate": "fast",
    "near_duplicate": "medium",
    "too_small": "fast",
    "underexposed": "medium",
    "overexposed": "medium",
    "low_information": "medium",
    "blurry": "medium",
    "extreme_aspect": "fast",
    "wrong_format": "fast",
    "outlier": "slow",
}
"""All checks, worst first, with the lowest level that includes them. Some `corrupt` files show only at medium."""

_EXTENSIONS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpeg"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "heic"),
    **{f".{name}": name for name in ("png", "webp", "gif", "bmp", "svg", "avif", "ico", "jp2", "jxl", "psd")},
}

_MEDIA_TYPES = {
    **{"jpg": "jpeg", "pjpeg": "jpeg", "x-png": "png", "x-ms-bmp": "bmp", "x-bmp": "bmp", "svg+xml": "svg"},
    **{"heif": "heic", "avif-sequence": "avif", "heic-sequence": "heic", "heif-sequence": "heic"},
    **{"x-icon": "ico", "vnd.microsoft.icon": "ico"},
}


def inspect_image(
    data: bytes | Path, *, level: Level, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> ImageInspection:
    """Inspect an image: `fast` reads its header, `medium` also measures its pixels, `slow` also computes features.

    Never raises because of the file's content; a missing file raises OSError. Reads at most `max_bytes` into memory;
    decoding takes about 4 × `max_pixels` bytes, and three times as many for AVIF and HEIC.
    """
    inspection = _start_inspection(data, level)
    if inspection.size_bytes > max_bytes:
        return replace(
            inspection, fault="too_many_bytes", fault_message=f"{inspection.size_bytes} bytes are more than {max_bytes}"
        )
    content = data if isinstance(data, bytes) else data.read_bytes()
    try:
        inspection = replace(inspection, format=image_format(content))
        with open_image(content, inspection.format or "", max_pixels) as image:
            exif_orientation = orientation(image)
            width, height = upright_size(image, exif_orientation)
            inspection = replace(inspection, width=width, height=height, animated=is_animated(image))
            if level != "fast":
                from shared.images.pixels import check_jpeg_data, decode_frames

                inspection = _add_measures(inspection, decode_frames(image, exif_orientation, max_pixels))
                if inspection.format == "jpeg":
                    check_jpeg_data(content)
    except ImageFaultError as error:
        inspection = replace(inspection, fault=error.fault, fault_message=str(error))
    return inspection


def _start_inspection(data: bytes | Path, level: Level) -> ImageInspection:
    if isinstance(data, bytes):
        return ImageInspection(sha256(data).hexdigest(), len(data), level)
    with data.open("rb") as file:
        return ImageInspection(file_digest(file, "sha256").hexdigest(), data.stat().st_size, level)


def _add_measures(inspection: ImageInspection, frames: list[Pixels]) -> ImageInspection:
    from shared.images.pixels import color_features, luma, measure_frames, perceptual_hash

    measures = measure_frames(frames)
    rgb = frames[0]
    grey = luma(rgb)
    return replace(
        inspection,
        measures=measures,
        phash=perceptual_hash(grey),
        features=color_features(rgb, grey, measures) if inspection.level == "slow" else None,
    )


def check_image(
    inspection: ImageInspection, limits: Thresholds, level: Level, name: str = "", *, declared: str | None = None
) -> list[ImageFinding]:
    """Return the failed checks of one image, worst first; empty if the image is accepted.

    Args:
        level: At most the level of the inspection; raises ValueError otherwise.
        name: File name or last part of the URL; ignored without a known extension.
        declared: The server's Content-Type header, parameters included.
    """
    if LEVELS.index(level) > LEVELS.index(inspection.level):
        raise ValueError(f"the inspection has level {inspection.level}, not {level}")
    findings = [make_finding(inspection.fault, note=inspection.fault_message)] if inspection.fault else []
    findings.extend(_check_header(inspection, limits, name, declared))
    if level != "fast" and inspection.measures:
        findings.extend(_check_measures(inspection.measures, limits))
    return sort_findings(findings)


def make_finding(
    check: str,
    *,
    score: float | None = None,
    limit: float | None = None,
    of: str | None = None,
    note: str | None = None,
) -> ImageFinding:
    """Return a finding of one of `CHECKS`, including those that compare images."""
    return ImageFinding(check=check, level=CHECKS[check], score=score, limit=limit, of=of, note=note)


def sort_findings(findings: list[ImageFinding]) -> list[ImageFinding]:
    """Return the findings, worst first."""
    order = list(CHECKS)
    return sorted(findings, key=lambda finding: order.index(finding.check))


def _check_header(
    inspection: ImageInspection, limits: Thresholds, name: str, declared: str | None
) -> Iterator[ImageFinding]:
    claims = [claim for claim in (_format_of_name(name), _format_of_media_type(declared)) if claim]
    mismatch = next((claim for claim in claims if claim != inspection.format), None)
    if limits.format_agrees and inspection.format and mismatch:
        yield make_finding("wrong_format", note=f"called {mismatch}, but is {inspection.format}")
    if inspection.width is None or inspection.height is None:
        return
    for side, minimum in ((inspection.width, limits.min_width), (inspection.height, limits.min_height)):
        if minimum is not None and side < minimum:
            yield make_finding("too_small", score=side, limit=minimum)
            break
    aspect = max(inspection.width, inspection.height) / min(inspection.width, inspection.height)
    if limits.max_aspect is not None and aspect > limits.max_aspect:
        yield make_finding("extreme_aspect", score=aspect, limit=limits.max_aspect)


def _check_measures(measures: ImageMeasures, limits: Thresholds) -> Iterator[ImageFinding]:
    """Yield findings from the measures. A blank image has no other; one too dark or too light is not also blurry."""
    if _is_below(measures.spread, limits.min_spread):
        yield make_finding("blank", score=measures.spread, limit=limits.min_spread)
        return
    if _is_below(measures.entropy, limits.min_entropy):
        yield make_finding("low_information", score=measures.entropy, limit=limits.min_entropy)
    if limits.max_dark is not None and measures.dark > limits.max_dark:
        yield make_finding("underexposed", score=measures.dark, limit=limits.max_dark)
    elif limits.max_light is not None and measures.light > limits.max_light:
        yield make_finding("overexposed", score=measures.light, limit=limits.max_light)
    elif _is_below(measures.sharpness, limits.min_sharpness):
        yield make_finding("blurry", score=measures.sharpness, limit=limits.min_sharpness)


def _is_below(score: float, minimum: float | None) -> bool:
    return minimum is not None and score < minimum


def _format_of_name(name: str) -> str | None:
    return _EXTENSIONS.get(PurePosixPath(name).suffix.lower())


def _format_of_media_type(declared: str | None) -> str | None:
    """Return the format of an `image/…` type; other types, such as `application/octet-stream`, declare none."""
    kind, _, name = (declared or "").split(";")[0].strip().lower().partition("/")
    return _MEDIA_TYPES.get(name, name) if kind == "image" and name not in ("", "*") else None
