"""Draws `demo.png`, the README's picture, from the last run of `clipwise demo`: `make picture`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from PIL import Image, ImageDraw

from infra.demo.drawing import font
from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Recipe
from shared.exports.quantities import format_quantity
from shared.exports.wording import ENGLISH_RECIPE
from shared.settings import read_settings

PICTURE = Path(__file__).with_suffix(".png")
BACKGROUND, PANEL, TEXT, HEADING, DIM = "#f6f8fa", "#0d1117", "#e6edf3", "#56d4dd", "#8b949e"
WIDTH, HEIGHT, MARGIN = 1600, 620, 30
FRAME_WIDTH, FRAME_HEIGHT = 270, 480
LINE = 31
COLOURS = 192
"""Few enough to keep the file below 150 kB."""


def draw_picture(demo: Path) -> Image.Image:
    """Three key frames with their times, and the recipe with the times at which it was read."""
    job = json.loads((demo / "job.json").read_text(encoding="utf-8"))
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    on = ImageDraw.Draw(picture)
    frames = job["video"]["frames"]
    for column, frame in enumerate((frames[2], frames[3], frames[-1])):
        left = MARGIN + column * (FRAME_WIDTH + MARGIN)
        with Image.open(demo / frame["name"]) as image:
            picture.paste(image.resize((FRAME_WIDTH, FRAME_HEIGHT), Image.Resampling.LANCZOS), (left, 88))
        on.text((left, 60), clock_text(frame["time"]), font=font(24), fill=DIM, anchor="lm")
    left = MARGIN + 3 * (FRAME_WIDTH + MARGIN)
    on.rounded_rectangle((left, MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN), radius=14, fill=PANEL)
    write_recipe(on, Recipe.read(job["result"]), left + 28, WIDTH - MARGIN - 28)
    return picture


def write_recipe(on: ImageDraw.ImageDraw, recipe: Recipe, left: int, right: int) -> None:
    rows = [("$ clipwise submit pasta.mp4", "", DIM), (recipe.title or "", "", TEXT), ("Ingredients", "", HEADING)]
    rows += [
        (f"  {format_quantity(one, ENGLISH_RECIPE)} {one.name}", time_text(one.seen), TEXT)
        for one in recipe.ingredients
    ]
    rows.append(("Steps", "", HEADING))
    rows += [(f"  {step.number}. {step.text}", time_text(step.seen), TEXT) for step in recipe.steps]
    top = (HEIGHT - LINE * len(rows)) / 2
    for number, (text, time, colour) in enumerate(rows):
        middle = top + LINE * (number + 0.5)
        on.text((left, middle), text, font=font(20, bold=colour == HEADING or number == 1), fill=colour, anchor="lm")
        on.text((right, middle), time, font=font(18), fill=DIM, anchor="rm")


def time_text(seen: Sighting | None) -> str:
    return clock_text(seen.time) if seen and seen.time is not None else ""


def clock_text(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


if __name__ == "__main__":
    drawn = draw_picture(read_settings(os.environ).clipwise_data / "demo")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
