"""A labelled set of rendered images, and how often each flaw is found; cleanvision judges the same files beside ours.

Every image is a scene of its own, saved as JPEG and with one flaw or none, so that its label is known.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from shared.images.inspection import check_image, inspect_image
from shared.models.image import Thresholds
from tests.picture_samples import encoded, scene

SCENES = 20
CLEANVISION_NAMES = {
    "blurry": {"blurry"},
    "underexposed": {"dark"},
    "overexposed": {"light"},
    "blank": {"low_information", "dark", "light"},
}
"""What cleanvision calls a flaw; it stops at damaged files."""


def contrasted(seed: int) -> Image.Image:
    """A scene with the contrast of a photograph."""
    pixels = np.asarray(scene(seed)).astype(np.float32)
    return Image.fromarray(np.clip((pixels - pixels.mean()) * 1.6 + 128, 0, 255).astype(np.uint8))


def motion_blurred(picture: Image.Image, length: int, degrees: float) -> Image.Image:
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), degrees, 1)
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    kernel = cv2.warpAffine(line, turn, (length, length))
    return Image.fromarray(cv2.filter2D(np.asarray(picture), -1, kernel / kernel.sum()))


def gaussian_blurred(picture: Image.Image, sigma: float) -> Image.Image:
    return Image.fromarray(cv2.GaussianBlur(np.asarray(picture), (0, 0), sigma))


def lit(picture: Image.Image, factor: float, offset: float) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(picture) * factor + offset, 0, 255).astype(np.uint8))


def damaged(data: bytes, seed: int) -> bytes:
    """The PNG with one wrong byte among its pixels."""
    start, end = data.index(b"IDAT") + 4, data.index(b"IEND") - 8
    position = int(np.random.default_rng(seed).integers(start, end))
    return data[:position] + bytes([data[position] ^ 0x20]) + data[position + 1 :]


def save_jpeg(picture: Image.Image) -> bytes:
    return encoded(picture, quality=88)


RENDERINGS: dict[str, tuple[str | None, Callable[[Image.Image, int], bytes]]] = {
    "sharp": (None, lambda picture, seed: save_jpeg(picture)),
    "thumbnail": (None, lambda picture, seed: save_jpeg(picture.resize((240, 180)))),
    "portrait": (None, lambda picture, seed: save_jpeg(portrait(picture))),
    "Gaussian blur of 3": ("blurry", lambda picture, seed: save_jpeg(gaussian_blurred(picture, 3))),
    "Gaussian blur of 6": ("blurry", lambda picture, seed: save_jpeg(gaussian_blurred(picture, 6))),
    "motion of 11": ("blurry", lambda picture, seed: save_jpeg(motion_blurred(picture, 11, 37 * seed))),
    "motion of 21": ("blurry", lambda picture, seed: save_jpeg(motion_blurred(picture, 21, 37 * seed))),
    "motion of 31": ("blurry", lambda picture, seed: save_jpeg(motion_blurred(picture, 31, 37 * seed))),
    "dark": ("underexposed", lambda picture, seed: save_jpeg(lit(picture, 0.11, 0))),
    "light": ("overexposed", lambda picture, seed: save_jpeg(lit(picture, 0.25, 240))),
    "light, less white": ("overexposed", lambda picture, seed: save_jpeg(lit(picture, 0.3, 225))),
    "light, grey": ("overexposed", lambda picture, seed: save_jpeg(lit(picture, 0.2, 215))),
    "pale": (None, lambda picture, seed: save_jpeg(lit(picture, 0.45, 140))),
    "product, 2 % of white": (None, lambda picture, seed: save_jpeg(product(picture, 0.02, seed))),
    "product, 5 % of white": (None, lambda picture, seed: save_jpeg(product(picture, 0.05, seed))),
    "product, 30 % of white": (None, lambda picture, seed: save_jpeg(product(picture, 0.3, seed))),
    "pen on paper": (None, lambda picture, seed: save_jpeg(drawing(seed))),
    "blank": ("blank", lambda picture, seed: save_jpeg(Image.new("RGB", (640, 480), (9 * seed, 120, 90)))),
    "damaged PNG": ("corrupt", lambda picture, seed: damaged(encoded(picture, "PNG", compress_level=1), seed)),
}


def portrait(picture: Image.Image) -> Image.Image:
    """A sharp third in the middle of a background out of focus."""
    blurred = np.asarray(gaussian_blurred(picture, 5)).copy()
    blurred[160:320, 213:427] = np.asarray(picture)[160:320, 213:427]
    return Image.fromarray(blurred)


def product(picture: Image.Image, share: float, seed: int) -> Image.Image:
    """A part of the picture as an oval thing on white, with a soft shadow and a little noise."""
    pixels = np.asarray(picture).astype(np.float32)
    height, width = pixels.shape[:2]
    radius = np.sqrt(share * height * width / np.pi)
    rows, columns = np.mgrid[:height, :width]
    inside = ((columns - width / 2) / (1.3 * radius)) ** 2 + (1.3 * (rows - height / 2) / radius) ** 2 < 1
    mask = inside.astype(np.float32)[..., np.newaxis]
    shadow = 40 * cv2.GaussianBlur(np.roll(mask, 8, 0), (0, 0), 12)[..., np.newaxis]
    white = 250 + np.random.default_rng(seed).normal(0, 1.5, pixels.shape) - shadow
    return Image.fromarray(np.clip(pixels * mask + white * (1 - mask), 0, 255).astype(np.uint8))


def drawing(seed: int) -> Image.Image:
    """Six strokes, about 3 % of the paper."""
    paper = np.full((480, 640, 3), 252, np.uint8)
    ends = np.random.default_rng(seed).integers(0, 480, (6, 2, 2)).tolist()
    for start, end in ends:
        cv2.line(paper, start, end, (20, 20, 20), 2)
    return Image.fromarray(paper)


def render(folder: Path) -> Iterator[tuple[str, str, str | None]]:
    """Yield file name, rendering and flaw of each image."""
    for title, (flaw, save) in RENDERINGS.items():
        for seed in range(SCENES):
            data = save(contrasted(100 + seed), seed)
            extension = "png" if flaw == "corrupt" else "jpg"
            name = f"{title.replace(' ', '-')}-{seed}.{extension}"
            (folder / name).write_bytes(data)
            yield name, title, flaw


def report_flaws(rivals: Path, python: str | None) -> None:
    """Print, for each rendering, in how many images the right flaw was found, or none where there is none."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, limits = Path(temporary), Thresholds()
        labelled = list(render(folder))
        ours = {
            name: {one.check for one in check_image(inspect_image(folder / name, level="medium"), limits, "medium")}
            for name, _, _ in labelled
        }
        theirs = judge_with_cleanvision(rivals, python, folder) if python else {}
    for title, (flaw, _) in RENDERINGS.items():
        names = [name for name, rendering, _ in labelled if rendering == title]
        right = sum(flaw in ours[name] if flaw else not ours[name] for name in names)
        line = f"{title:20} {flaw or 'accepted':13} ours {right:2} of {len(names)}"
        if theirs and flaw != "corrupt":
            wanted = CLEANVISION_NAMES[flaw] if flaw else set()
            found = sum(bool(theirs[name] & wanted) if flaw else not theirs[name] for name in names)
            agreed = sum(bool(ours[name]) == bool(theirs[name]) for name in names)
            line += f", cleanvision {found:2}, both judge alike {agreed:2}"
        print(line)


def judge_with_cleanvision(rivals: Path, python: str, folder: Path) -> dict[str, set[str]]:
    done = subprocess.run([python, rivals, "flaws", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cleanvision does not run there: {done.stderr.strip().splitlines()[-1]}")
    marks: dict[str, list[str]] = json.loads(done.stdout)
    return {
        path.name: {mark.removeprefix("is_").removesuffix("_issue") for mark in marks.get(path.name, [])}
        for path in folder.iterdir()
    }
