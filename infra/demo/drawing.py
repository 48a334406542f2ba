"""Drawings of food and kitchen equipment, each a picture with a transparent background.

Everything is drawn at twice its size and scaled down, which smooths the edges.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Picture = Image.Image
Colour = str
FONTS = Path(__file__).parent / "fonts"

CREAM, INK, ACCENT = "#fffaf0", "#2b2622", "#c8452d"


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the shipped typeface at `size` pixels."""
    return ImageFont.truetype(FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)


def random_source(seed: int) -> random.Random:
    """Return a seeded source of random positions, so that every render is the same."""
    return random.Random(seed)  # noqa: S311 (not used for security)


def draw_scaled(width: int, height: int, paint: Callable[[ImageDraw.ImageDraw], None]) -> Picture:
    """Let `paint` draw on a transparent canvas of twice the size, and scale it down."""
    canvas = Image.new("RGBA", (width * 2, height * 2))
    paint(ImageDraw.Draw(canvas))
    return canvas.resize((width, height), Image.Resampling.BOX)


def tomato(size: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        s = size * 2
        on.ellipse((0, s * 0.08, s - 1, s - 1), fill="#d8382a")
        on.ellipse((s * 0.06, s * 0.12, s * 0.86, s * 0.86), fill="#e5503f")
        on.ellipse((s * 0.18, s * 0.22, s * 0.42, s * 0.40), fill="#f59a8c")
        for turn in range(5):
            angle = math.radians(turn * 72 - 90)
            tip = (s * (0.5 + 0.24 * math.cos(angle)), s * (0.2 + 0.15 * math.sin(angle)))
            on.line((s * 0.5, s * 0.2, *tip), fill="#3f7d3a", width=round(s * 0.06))

    return draw_scaled(size, size, paint)


def feta(width: int, height: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rounded_rectangle((0, h * 0.2, w - 1, h - 1), radius=h // 8, fill="#ddd6c4")
        on.rounded_rectangle((0, 0, w - 1, h * 0.74), radius=h // 8, fill="#fbf8ef")
        spots = random_source(4)
        for _ in range(22):
            x, y, r = spots.uniform(0.05, 0.93) * w, spots.uniform(0.06, 0.64) * h, spots.uniform(2, 7)
            on.ellipse((x, y, x + r * 1.6, y + r), fill="#e6dfce")

    return draw_scaled(width, height, paint)


def penne(width: int, height: int, pieces: int) -> Picture:
    """A loose heap of pasta tubes."""
    heap = Image.new("RGBA", (width, height))
    tube = draw_scaled(96, 30, _paint_tube)
    scatter = random_source(11)
    for _ in range(pieces):
        piece = tube.rotate(scatter.uniform(-70, 70), expand=True, resample=Image.Resampling.BICUBIC)
        angle, reach = scatter.uniform(0, 2 * math.pi), math.sqrt(scatter.random())
        x = width / 2 + math.cos(angle) * reach * (width - 110) / 2 - piece.width / 2
        y = height / 2 + math.sin(angle) * reach * (height - 90) / 2 - piece.height / 2
        heap.alpha_composite(piece, (max(0, round(x)), max(0, round(y))))
    return heap


def _paint_tube(on: ImageDraw.ImageDraw) -> None:
    on.polygon([(24, 4), (190, 4), (166, 56), (2, 56)], fill="#d9a441")
    on.polygon([(24, 4), (190, 4), (182, 22), (16, 22)], fill="#efc66b")
    for y in (30, 40, 50):
        on.line((14, y, 170, y), fill="#c48f2f", width=2)
    on.ellipse((160, 6, 190, 54), fill="#9c6d1e")


def leaf(size: int, colour: Colour = "#3f8f46") -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        s = size * 2
        on.chord((0, s * 0.1, s, s * 1.1), 200, 340, fill=colour)
        on.chord((0, -s * 0.32, s, s * 0.68), 20, 160, fill=colour)
        on.line((s * 0.06, s * 0.42, s * 0.94, s * 0.40), fill="#2c6b34", width=4)

    return draw_scaled(size, size, paint)


def bottle(width: int, height: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rounded_rectangle((w * 0.36, 0, w * 0.64, h * 0.4), radius=12, fill="#6f8a2d")
        on.rounded_rectangle((w * 0.33, 0, w * 0.67, h * 0.1), radius=10, fill="#6b4426")
        on.rounded_rectangle((w * 0.04, h * 0.28, w * 0.96, h - 1), radius=w // 5, fill="#86a437")
        on.rounded_rectangle((w * 0.14, h * 0.36, w * 0.24, h * 0.9), radius=8, fill="#b6cc74")
        on.rounded_rectangle((w * 0.04, h * 0.52, w * 0.96, h * 0.8), radius=4, fill="#f3ead2")
        on.ellipse((w * 0.36, h * 0.59, w * 0.64, h * 0.73), fill="#5d7a26")

    return draw_scaled(width, height, paint)


def jug(width: int, height: int) -> Picture:
    """A small glass jug of cream."""

    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.arc((w * 0.58, h * 0.2, w * 0.98, h * 0.7), 270, 90, fill="#9fb9c4", width=16)
        on.polygon([(w * 0.06, 0), (w * 0.76, 0), (w * 0.7, h - 1), (w * 0.14, h - 1)], fill="#c9dde4")
        on.polygon(
            [(w * 0.09, h * 0.3), (w * 0.73, h * 0.3), (w * 0.69, h * 0.96), (w * 0.15, h * 0.96)], fill="#fffaf0"
        )
        on.ellipse((w * 0.09, h * 0.25, w * 0.73, h * 0.35), fill="#f4ead6")

    return draw_scaled(width, height, paint)


def spices(size: int, colour: Colour) -> Picture:
    """A small bowl of ground spices, from above."""

    def paint(on: ImageDraw.ImageDraw) -> None:
        s = size * 2
        on.ellipse((0, 0, s - 1, s - 1), fill="#e9e3d8")
        on.ellipse((s * 0.07, s * 0.07, s * 0.93, s * 0.93), fill="#cfc6b6")
        on.ellipse((s * 0.13, s * 0.13, s * 0.87, s * 0.87), fill=colour)
        grains = random_source(7)
        for _ in range(160):
            angle, reach = grains.uniform(0, 2 * math.pi), math.sqrt(grains.random()) * s * 0.33
            x, y = s / 2 + math.cos(angle) * reach, s / 2 + math.sin(angle) * reach
            on.ellipse((x, y, x + 7, y + 5), fill=grains.choice(["#ffffff50", "#00000040"]))

    return draw_scaled(size, size, paint)


def spoon(length: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        n = length * 2
        on.rounded_rectangle((n * 0.16, 30, n - 1, 58), radius=14, fill="#a9743f")
        on.ellipse((0, 4, n * 0.26, 84), fill="#b98149")
        on.ellipse((n * 0.03, 16, n * 0.21, 72), fill="#96642f")

    return draw_scaled(length, 46, paint)


def baking_dish(width: int, height: int, cooked: bool) -> Picture:
    """A dish from above with tomatoes around a block of feta."""

    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rounded_rectangle((0, h * 0.38, w * 0.16, h * 0.62), radius=30, fill="#2f6f86")
        on.rounded_rectangle((w * 0.84, h * 0.38, w - 1, h * 0.62), radius=30, fill="#2f6f86")
        on.rounded_rectangle((w * 0.05, 0, w * 0.95, h - 1), radius=h // 6, fill="#3a86a0")
        on.rounded_rectangle(
            (w * 0.1, h * 0.07, w * 0.9, h * 0.93), radius=h // 8, fill="#b5512d" if cooked else "#e8dcc0"
        )

    dish = draw_scaled(width, height, paint)
    scatter = random_source(23)
    size = height // 5
    for row in range(4):
        for column in range(6):
            x = width * (0.13 + column * 0.128) + scatter.uniform(-6, 6)
            y = height * (0.1 + row * 0.2) + scatter.uniform(-6, 6)
            dish.alpha_composite(tomato(size), (round(x), round(y)))
    block = feta(width * 2 // 5, height * 2 // 5)
    if cooked:
        toasted = Image.new("RGBA", block.size, "#d99a4e")
        block = Image.composite(Image.blend(block, toasted, 0.35), block, block.getchannel("A"))
    dish.alpha_composite(block, (width * 3 // 10, height * 3 // 10))
    return dish


def pot(width: int, height: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rounded_rectangle((0, h * 0.36, w - 1, h * 0.46), radius=24, fill="#3b4148")
        on.rounded_rectangle((w * 0.1, h * 0.16, w * 0.9, h - 1), radius=50, fill="#8d99a6")
        on.rounded_rectangle((w * 0.15, h * 0.3, w * 0.22, h * 0.92), radius=20, fill="#b8c2cc")
        on.ellipse((w * 0.1, 0, w * 0.9, h * 0.32), fill="#6f7b88")
        on.ellipse((w * 0.13, h * 0.03, w * 0.87, h * 0.29), fill="#dfe9e4")

    return draw_scaled(width, height, paint)


def pasta_bowl(width: int, height: int) -> Picture:
    """A bowl of the finished dish."""

    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.chord((w * 0.02, -h * 0.45, w * 0.98, h - 1), 0, 180, fill="#e4e9ec")
        on.chord((w * 0.3, h * 0.7, w * 0.7, h * 1.1), 180, 360, fill="#c6cfd4")
        on.ellipse((0, h * 0.1, w - 1, h * 0.46), fill="#f7f9fa")
        on.ellipse((w * 0.05, h * 0.14, w * 0.95, h * 0.42), fill="#cc6a3c")

    bowl = draw_scaled(width, height, paint)
    bowl.alpha_composite(penne(width * 4 // 5, height * 2 // 5, 60), (width // 10, height // 13))
    for x, y in ((0.25, 0.2), (0.44, 0.13), (0.62, 0.22), (0.38, 0.28), (0.7, 0.15)):
        bowl.alpha_composite(tomato(width // 10), (round(width * x), round(height * y)))
    for x, y, turn in ((0.33, 0.1, 20), (0.52, 0.2, 140), (0.6, 0.08, 80)):
        bowl.alpha_composite(leaf(width // 8).rotate(turn, expand=True), (round(width * x), round(height * y)))
    return bowl


def oven(width: int, height: int) -> Picture:
    """An oven from the front; its window is left open from 18 % to 82 % of the width and 34 % to 82 % of the height."""

    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rounded_rectangle((0, 0, w - 1, h - 1), radius=40, fill="#4a5058")
        on.rounded_rectangle((w * 0.03, h * 0.03, w * 0.97, h * 0.18), radius=24, fill="#2f343a")
        on.rounded_rectangle((w * 0.06, h * 0.21, w * 0.94, h * 0.95), radius=30, fill="#5c646d")
        on.rounded_rectangle((w * 0.14, h * 0.24, w * 0.86, h * 0.28), radius=16, fill="#c9d0d6")
        on.rounded_rectangle((w * 0.18, h * 0.34, w * 0.82, h * 0.82), radius=24, fill=(0, 0, 0, 0))

    return draw_scaled(width, height, paint)


def dial(size: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        s = size * 2
        on.ellipse((0, 0, s - 1, s - 1), fill="#d6dce1")
        on.ellipse((s * 0.12, s * 0.12, s * 0.88, s * 0.88), fill="#b3bcc4")
        on.rounded_rectangle((s * 0.45, s * 0.04, s * 0.55, s * 0.46), radius=8, fill=ACCENT)

    return draw_scaled(size, size, paint)


def steam(width: int, height: int) -> Picture:
    """Three soft, wavering strands."""
    density = Image.new("L", (width, height))
    on = ImageDraw.Draw(density)
    for strand in range(3):
        for step in range(70):
            part = step / 69
            x = width * (0.25 + 0.25 * strand + 0.06 * math.sin(part * 7 + strand * 2))
            y, r = height * (0.1 + 0.8 * part), width * 0.05 * math.sin(part * math.pi) + 1
            on.ellipse((x - r, y - r, x + r, y + r), fill=130)
    cloud = Image.new("RGBA", (width, height), "white")
    cloud.putalpha(density.filter(ImageFilter.GaussianBlur(width / 26)))
    return cloud


def oven_inside(width: int, height: int) -> Picture:
    def paint(on: ImageDraw.ImageDraw) -> None:
        w, h = width * 2, height * 2
        on.rectangle((0, 0, w, h), fill="#241c18")
        for y in (0.35, 0.78):
            on.rectangle((0, h * y, w, h * y + 8), fill="#6b625b")

    return draw_scaled(width, height, paint)


def glow(width: int, height: int, strength: float) -> Picture:
    """Warm light, strongest in the middle; `strength` from 0 to 1."""
    light = Image.new("RGBA", (width, height), "#ff8a1e")
    fall = Image.radial_gradient("L").resize((width, height))
    light.putalpha(fall.point(lambda value: round(strength * max(0, 210 - value))))
    return light
