"""Test material: cards of text as they come off the screen, pictures with text drawn on them; recipes as lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.ai.screen.lines import ScreenLine
from shared.analyses.recipe import Recipe
from shared.models.video import Frame, Segment

FONT = Path(__file__).parents[3] / "infra" / "demo" / "fonts" / "DejaVuSans-Bold.ttf"
WIDTH, HEIGHT = 576, 1024


def card(start: float, end: float, *texts: str, title: bool = False) -> list[ScreenLine]:
    """Lines that stand on the screen together from `start` to `end` seconds; with `title` the first is larger."""
    lines: list[ScreenLine] = []
    top = 200.0
    for number, text in enumerate(texts):
        height = 66.0 if title and not number else 46.0
        box = (40.0, top, 40 + len(text) * height * 0.5, top + height)
        lines.append(ScreenLine(text, start, end, f"samples/{start:g}.jpg", box, 0.95))
        top += height * 1.5
    return lines


def subtitles(*texts: str) -> list[Segment]:
    """Subtitles of three seconds each."""
    return [Segment(start=3 * number, end=3 * number + 3, text=text) for number, text in enumerate(texts)]


def pattern(seed: int) -> Image.Image:
    """A blurred, colourful background."""
    cells = np.random.default_rng(seed).integers(0, 255, (HEIGHT // 64, WIDTH // 64, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def picture(lines: Sequence[str], seed: int = 0, size: int = 40, top: int = 200) -> Image.Image:
    """Lines of white text with a dark edge before a pattern."""
    image = pattern(seed)
    on = ImageDraw.Draw(image)
    font = ImageFont.truetype(FONT, size)
    for number, line in enumerate(lines):
        place = (40, top + number * size * 1.6)
        on.text(place, line, font=font, fill="white", stroke_width=3, stroke_fill="black")
    return image


def store_samples(images: Sequence[Image.Image], folder: Path, step: float = 0.5) -> list[tuple[Frame, Path]]:
    """Pictures as the samples of a video, `step` seconds apart."""
    samples = []
    for number, image in enumerate(images):
        path = folder / f"{number:03}.jpg"
        image.save(path, quality=85)
        name = f"samples/{number:03}.jpg"
        samples.append((Frame(name=name, time=number * step, width=image.width, height=image.height), path))
    return samples


def no_tick(done: float, doing: str) -> None:
    """A tick that nobody watches."""


def ingredient_lines(recipe: Recipe) -> list[str]:
    """Ingredients as one line each: amount, unit, name, and the note in brackets."""
    rows = []
    for one in recipe.ingredients:
        amount = "" if one.amount is None else f"{one.amount:g}"
        upper = "" if one.amount_max is None else f"-{one.amount_max:g}"
        note = f" ({one.note})" if one.note else ""
        rows.append(" ".join(part for part in (amount + upper, one.unit, one.name) if part) + note)
    return rows


def step_lines(recipe: Recipe) -> list[str]:
    return [f"{step.number}. {step.text}" for step in recipe.steps]
