"""What the checks say of an image that was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from shared.images.looked import Looked, Measures
from shared.images.thresholds import Thresholds
from shared.models.dataset import Finding, Level

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
"""All checks, worst first, with the level from which on they are made. `corrupt` may be seen at medium only."""

_EXTENSIONS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpeg"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **{f".{name}": name for name in ("png", "webp", "gif", "bmp", "svg", "avif", "heic", "heif", "ico", "jp2", "psd")},
}
_TYPES = {"jpg": "jpeg", "pjpeg": "jpeg", "x-png": "png", "x-ms-bmp": "bmp", "x-bmp": "bmp", "svg+xml": "svg"}


def judge(
    looked: Looked, limits: Thresholds, level: Level, name: str = "", *, declared: str | None = None
) -> list[Finding]:
    """What is wrong with one image by itself, worst first; nothing for an image to be accepted.

    Args:
        level: At most the one it was looked at with; raises ValueError otherwise.
        name: Its file name or the last part of its address; without a known extension it claims nothing.
        declared: Media type that the server gave, parameters and all.
    """
    if LEVELS.index(level) > LEVELS.index(looked.level):
        raise ValueError(f"looked at with {looked.level}, not with {level}")
    findings = [finding(looked.fault, note=looked.why)] if looked.fault else []
    findings.extend(_seen_in_header(looked, limits, name, declared))
    if level != "fast" and looked.measures:
        findings.extend(_measured(looked.measures, limits))
    return in_order(findings)


def finding(
    check: str,
    *,
    score: float | None = None,
    limit: float | None = None,
    of: str | None = None,
    note: str | None = None,
) -> Finding:
    """Of one of `CHECKS`: those that need other images (`duplicate`, `near_duplicate`, `outlier`) are made with it."""
    return Finding(check=check, level=CHECKS[check], score=score, limit=limit, of=of, note=note)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Worst first."""
    order = list(CHECKS)
    return sorted(findings, key=lambda one: order.index(one.check))


def _seen_in_header(looked: Looked, limits: Thresholds, name: str, declared: str | None) -> Iterator[Finding]:
    claimed = [claim for claim in (_extension(name), _type(declared)) if claim]
    wrong = next((claim for claim in claimed if claim != looked.format), None)
    if limits.format_agrees and looked.format and wrong:
        yield finding("wrong_format", note=f"called {wrong}, but is {looked.format}")
    if looked.width is None or looked.height is None:
        return
    for side, least in ((looked.width, limits.min_width), (looked.height, limits.min_height)):
        if least is not None and side < least:
            yield finding("too_small", score=side, limit=least)
            break
    aspect = max(looked.width, looked.height) / min(looked.width, looked.height)
    if limits.max_aspect is not None and aspect > limits.max_aspect:
        yield finding("extreme_aspect", score=aspect, limit=limits.max_aspect)


def _measured(seen: Measures, limits: Thresholds) -> Iterator[Finding]:
    """A blank image is neither blurry nor dark, and of one too dark or light nobody can tell whether it is sharp."""
    if _below(seen.spread, limits.min_spread):
        yield finding("blank", score=seen.spread, limit=limits.min_spread)
        return
    if _below(seen.entropy, limits.min_entropy):
        yield finding("low_information", score=seen.entropy, limit=limits.min_entropy)
    if limits.max_dark is not None and seen.dark > limits.max_dark:
        yield finding("underexposed", score=seen.dark, limit=limits.max_dark)
    elif limits.max_light is not None and seen.light > limits.max_light:
        yield finding("overexposed", score=seen.light, limit=limits.max_light)
    elif _below(seen.sharpness, limits.min_sharpness):
        yield finding("blurry", score=seen.sharpness, limit=limits.min_sharpness)


def _below(score: float, least: float | None) -> bool:
    return least is not None and score < least


def _extension(name: str) -> str | None:
    return _EXTENSIONS.get(PurePosixPath(name).suffix.lower())


def _type(declared: str | None) -> str | None:
    """Of `image/…` only: `application/octet-stream` claims nothing."""
    kind, _, name = (declared or "").split(";")[0].strip().lower().partition("/")
    return _TYPES.get(name, name) if kind == "image" and name not in ("", "*") else None
