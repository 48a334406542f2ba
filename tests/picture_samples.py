"""Pictures made for tests: scenes with much in them, each seed another."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
from PIL import Image


@cache
def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Clouds of all sizes, as in photographs (their spectrum falls with the frequency), with shapes before them."""
    rng = np.random.default_rng(seed)
    width, height = size
    pixels = np.zeros((height, width, 3), np.float32)
    for cells in (3, 6, 12, 25, 50, 100, 200, 400):
        coarse = rng.normal(0, 60 * (3 / cells) ** 0.5, (cells, cells, 3)).astype(np.float32)
        pixels += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(pixels + rng.uniform(80, 170, 3), 0, 255).astype(np.uint8)
    for _ in range(8):
        centre = tuple(int(rng.integers(0, side)) for side in size)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        axes = tuple(int(value) for value in rng.integers(min(size) // 20 + 1, min(size) // 4 + 2, 2))
        cv2.ellipse(pixels, centre, axes, float(rng.integers(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
