"""What is said of images that were looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from pydantic import ValidationError

from shared.images.inspection import CHECKS, check_image, inspect_image, make_finding, sort_findings
from shared.models.image import Level, Thresholds
from tests.picture_samples import encoded, scene

LIMITS = Thresholds(format_agrees=True)


def findings(picture: Image.Image, level: Level = "slow", limits: Thresholds = LIMITS) -> list[str]:
    return [one.check for one in check_image(inspect_image(encoded(picture, "PNG"), level=level), limits, level)]


def sharp_before_blur() -> Image.Image:
    """A sharp third in the middle of a picture that is out of focus."""
    pixels = np.asarray(scene(2)).copy()
    blurred = cv2.GaussianBlur(pixels, (0, 0), 5)
    blurred[160:320, 213:427] = pixels[160:320, 213:427]
    return Image.fromarray(blurred)


def drawing() -> Image.Image:
    """A thin black drawing on white."""
    picture = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    for at in range(60, 340, 40):
        draw.ellipse((at, 60, at + 60, 340), outline="black", width=6)
    return picture


def product_on_white() -> Image.Image:
    """A thing that covers a thirtieth of a white background, as in a shop."""
    pixels = np.full((480, 640, 3), 252, np.uint8)
    pixels[200:300, 270:370] = np.asarray(scene(4))[200:300, 270:370]
    return Image.fromarray(pixels)


def pen_on_paper() -> Image.Image:
    """A few strokes, some three hundredths of a white sheet."""
    picture = Image.new("RGB", (640, 480), (252, 252, 252))
    draw = ImageDraw.Draw(picture)
    for number in range(8):
        draw.line((40, 40 + 55 * number, 600, 440 - 55 * number), fill=(20, 20, 20), width=2)
    return picture


def exposed(factor: float, offset: float) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(scene(4)) * factor + offset, 0, 255).astype(np.uint8))


def motion_blurred(picture: Image.Image, degrees: float, length: int = 21) -> Image.Image:
    """The picture as a camera takes it that moves by `length` pixels in one direction."""
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), degrees, 1)
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    kernel = cv2.warpAffine(line, turn, (length, length))
    return Image.fromarray(cv2.filter2D(np.asarray(picture), -1, kernel / kernel.sum()))


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120])
def test_motion_blur_is_found(degrees: float) -> None:
    """A photograph that the camera moved over is blurry in whatever direction it moved, also where contrast is high."""
    assert findings(motion_blurred(scene(5), degrees)) == ["blurry"]
    contrast = Image.fromarray(np.clip(np.asarray(scene(5)) * 2.0 - 120, 0, 255).astype(np.uint8))
    assert findings(contrast) == []
    assert findings(motion_blurred(contrast, degrees)) == ["blurry"]


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_images_are_accepted(seed: int) -> None:
    """A picture with things to see has no findings at any level."""
    assert [findings(scene(seed), level) for level in ("fast", "medium", "slow")] == [[], [], []]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (scene(1, (40, 200)), ["too_small"]),
        (scene(1, (640, 100)), ["extreme_aspect"]),
        (Image.new("RGB", (300, 300), (200, 120, 60)), ["blank"]),
        (scene(1).filter(ImageFilter.GaussianBlur(6)), ["blurry"]),
        (exposed(0.1, 0), ["underexposed"]),
        (exposed(0.25, 240), ["overexposed"]),
        (exposed(0.3, 225), ["overexposed"]),
        (exposed(0.6, 100), []),
        (product_on_white(), []),
        (pen_on_paper(), []),
        (sharp_before_blur(), []),
        (drawing(), []),
    ],
)
def test_each_flaw_is_named(picture: Image.Image, expected: list[str]) -> None:
    """Small, long, empty, blurred, dark and bright images are told apart; drawings and portraits are let be."""
    assert findings(picture) == expected


def test_little_to_see() -> None:
    """A few dots on nothing are low information, but not blank."""
    picture = Image.new("L", (300, 300), 90)
    for at in (30, 180):
        ImageDraw.Draw(picture).rectangle((at, 20, at + 20, 60), fill=240)
        ImageDraw.Draw(picture).rectangle((at, 200, at + 20, 240), fill=240)
    assert findings(picture) == ["low_information"]


@pytest.mark.parametrize(
    ("name", "declared", "disagrees"),
    [
        ("a.jpg", "image/jpeg", False),
        ("A.JPEG", "image/jpg; charset=binary", False),
        ("a.jfif", "application/octet-stream", False),
        ("photo.php", None, False),
        ("", "image/*", False),
        ("a.png", None, True),
        ("a.avif", None, True),
        ("a.jpg", "image/webp", True),
        ("a", "image/svg+xml", True),
    ],
)
def test_names_must_tell_the_truth(name: str, declared: str | None, disagrees: bool) -> None:
    """A JPEG that is called otherwise is found out on request; by default its bytes decide."""
    results = check_image(inspect_image(encoded(scene(1)), level="fast"), LIMITS, "fast", name, declared=declared)
    assert [one.check for one in results] == ["wrong_format"] * disagrees
    inspection = inspect_image(encoded(scene(1)), level="fast")
    assert check_image(inspection, Thresholds(), "fast", name, declared=declared) == []


def test_findings_say_how_far_and_why() -> None:
    """A finding carries what was measured and the limit; a fault carries the reason; the worst comes first."""
    small = check_image(inspect_image(encoded(scene(1, (320, 40)), "PNG"), level="fast"), LIMITS, "fast", "a.gif")
    assert [(one.check, one.score, one.limit) for one in small] == [
        ("too_small", 40, 64),
        ("extreme_aspect", 8, 5),
        ("wrong_format", None, None),
    ]
    broken = check_image(inspect_image(encoded(scene(1))[:9000], level="medium"), LIMITS, "medium")
    assert (broken[0].check, broken[0].score) == ("corrupt", None)
    assert "truncated" in (broken[0].note or "")


def test_checks_can_be_moved_and_switched_off() -> None:
    """Another limit gives another verdict, and None gives none."""
    blurred = scene(1).filter(ImageFilter.GaussianBlur(6))
    assert findings(blurred, limits=Thresholds(min_sharpness=0.1)) == []
    assert findings(blurred, limits=Thresholds(min_sharpness=None)) == []
    assert findings(scene(1), limits=Thresholds(min_width=1000)) == ["too_small"]


def test_limits_are_checked_themselves() -> None:
    """Limits that make no sense are refused, and nobody changes them on the way."""
    with pytest.raises(ValidationError):
        Thresholds(max_dark=2)
    with pytest.raises(ValidationError):
        Thresholds(min_sharpness=float("nan"))
    with pytest.raises(ValidationError):
        LIMITS.min_width = 3  # type: ignore[misc]


def test_no_level_is_judged_that_was_not_looked_at() -> None:
    """Asking for more than was looked at is an error of the caller, never a silent pass."""
    with pytest.raises(ValueError, match="fast"):
        check_image(inspect_image(encoded(scene(1)), level="fast"), LIMITS, "medium")


def test_findings_among_images_fit_in() -> None:
    """Duplicates and outliers are ordered among the rest, each with its level."""
    ordered = sort_findings(
        [make_finding("outlier", score=4, limit=3.5), make_finding("duplicate", of="a"), make_finding("blurry")]
    )
    assert [(one.check, one.level) for one in ordered] == [
        ("duplicate", "fast"),
        ("blurry", "medium"),
        ("outlier", "slow"),
    ]
    assert len(CHECKS) == 15
