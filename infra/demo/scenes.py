"""The shots of the demo video: a panned background, moving objects, and a text panel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from infra.demo import drawing
from infra.demo.drawing import ACCENT, CREAM, INK, Colour, Picture, font
from infra.demo.recipe import RECIPE, SCRIPT, ingredient_line, step_line
from shared.analyses.recipe import Ingredient

PANEL_LEFT, PANEL_TOP, PANEL_WIDTH = 40, 110, 640
PADDING, FONT_SIZE = 44, 46
WIDTH, HEIGHT = 720, 1280
MARGIN = 60
"""Pixels by which backgrounds are wider and higher than the frame."""
EDGE = 900
"""Height in pixels at which wall and worktop meet."""
Sprite = Callable[[float], tuple[Picture, float, float]]
"""Returns a picture and the position of its center, for a time in its shot in seconds."""


def text_panel(lines: Sequence[str], heading: str | None = None) -> Picture:
    """Draw a light panel with one line of text per row, below a centered heading if there is one."""
    gap = round(FONT_SIZE * 1.62)
    above = 130 if heading else PADDING
    height = above + gap * len(lines) + PADDING // 2
    panel = Image.new("RGBA", (PANEL_WIDTH, height))
    on = ImageDraw.Draw(panel)
    on.rounded_rectangle((0, 0, PANEL_WIDTH - 1, height - 1), radius=36, fill=CREAM + "f4")
    if heading:
        on.text((PANEL_WIDTH / 2, 72), heading, font=font(56, bold=True), fill=ACCENT, anchor="mm")
    for number, line in enumerate(lines):
        on.text((PADDING, above + gap * (number + 0.5)), line, font=font(FONT_SIZE), fill=INK, anchor="lm")
    return panel


def paragraph_panel(text: str) -> Picture:
    """Draw a panel with `text` wrapped to as few lines as possible, of about the same length."""
    width = PANEL_WIDTH - 2 * PADDING
    lines = wrap_text(text, width)
    while len(narrower := wrap_text(text, width := width - 10)) == len(lines):
        lines = narrower
    return text_panel(lines)


def wrap_text(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(FONT_SIZE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True)
class DemoShot:
    """A run of frames between two cuts.

    Attributes:
        seconds: Its duration.
        background: The picture that is panned over.
        pan: Direction of the pan, horizontal and vertical, each from -1 to 1.
        sprites: Moving objects, from back to front.
        panel: The text panel.
        narration: Text of the subtitle and the audio track.
    """

    seconds: float
    background: Picture
    pan: tuple[float, float]
    sprites: Sequence[Sprite]
    panel: Picture
    narration: str

    def frame(self, time: float) -> Picture:
        """Draw the frame at `time` seconds into the shot."""
        part = time / self.seconds
        left, top = (round(MARGIN / 2 * (1 + way * (2 * part - 1))) for way in self.pan)
        frame = self.background.crop((left, top, left + WIDTH, top + HEIGHT))
        for sprite in self.sprites:
            picture, x, y = sprite(time)
            frame.paste(picture, (round(x - picture.width / 2), round(y - picture.height / 2)), picture)
        frame.paste(self.panel, (PANEL_LEFT, PANEL_TOP), self.panel)
        return frame


def storyboard() -> list[DemoShot]:
    """Return all shots in order."""
    title = text_panel([f"Serves {RECIPE.servings:g}", f"Ready in {RECIPE.total_minutes:g} minutes"], RECIPE.title)
    fresh, pantry = RECIPE.ingredients[:4], RECIPE.ingredients[4:]
    oven, mix, bake, boil, serve = (paragraph_panel(step_line(step)) for step in RECIPE.steps)
    visuals: list[tuple[Picture, tuple[float, float], Sequence[Sprite], Picture]] = [
        (kitchen("#8fbcb3"), (1, 0), dish_closeup(), title),
        (table("#b98a5a"), (0, 1), fresh_food(), ingredients_panel(fresh)),
        (table("#7d8f93"), (1, 0), pantry_food(), ingredients_panel(pantry)),
        (kitchen("#d8b48a"), (0, -1), heating(), oven),
        (table("#c9a27a"), (-1, 0), mixing(), mix),
        (kitchen("#a9a3bd"), (1, 0), baking(), bake),
        (kitchen("#9fb7cf"), (0, 1), boiling(), boil),
        (kitchen("#cfa9a0"), (-1, 0), serving(), serve),
    ]
    return [DemoShot(line.seconds, *visual, line.text) for line, visual in zip(SCRIPT, visuals, strict=True)]


def ingredients_panel(ingredients: Sequence[Ingredient]) -> Picture:
    return text_panel([ingredient_line(ingredient) for ingredient in ingredients], "Ingredients")


# Backgrounds


def kitchen(wall: Colour) -> Picture:
    """A tiled wall above a wooden worktop."""
    picture = Image.new("RGB", (WIDTH + MARGIN, HEIGHT + MARGIN), wall)
    on = ImageDraw.Draw(picture, "RGBA")
    for x in range(0, picture.width, 130):
        for y in range(0, EDGE, 130):
            on.rounded_rectangle((x + 4, y + 4, x + 126, y + 126), radius=10, fill="#ffffff26")
    on.rectangle((0, EDGE, picture.width, picture.height), fill="#a8744a")
    on.rectangle((0, EDGE, picture.width, EDGE + 26), fill="#c08e60")
    draw_grain(on, picture, EDGE + 40)
    return picture


def table(colour: Colour) -> Picture:
    """A table with a chopping board, from above."""
    picture = Image.new("RGB", (WIDTH + MARGIN, HEIGHT + MARGIN), colour)
    on = ImageDraw.Draw(picture, "RGBA")
    draw_grain(on, picture, 20)
    on.rounded_rectangle((74, 640, 734, 1276), radius=48, fill="#00000038")
    on.rounded_rectangle((60, 624, 720, 1260), radius=48, fill="#e2bd8b")
    on.rounded_rectangle((84, 648, 696, 1236), radius=34, outline="#cfa570", width=6)
    return picture


def draw_grain(on: ImageDraw.ImageDraw, picture: Picture, top: int) -> None:
    """Draw wood grain from `top` down."""
    for number, y in enumerate(range(top, picture.height, 44)):
        points = [(x, y + 7 * math.sin(x / 90 + number * 1.7)) for x in range(0, picture.width + 20, 20)]
        on.line(points, fill="#0000001c", width=5)


# Motions


def still(picture: Picture, x: float, y: float) -> Sprite:
    return lambda time: (picture, x, y)


def bobbing(picture: Picture, x: float, y: float, reach: float = 8, phase: float = 0) -> Sprite:
    return lambda time: (picture, x, y + reach * math.sin(time * 3 + phase))


def sliding(picture: Picture, x: float, y: float, across: float) -> Sprite:
    """Enter from the side and slow down."""
    return lambda time: (picture, x + across * math.exp(-3 * time), y)


def turning(picture: Picture, x: float, y: float, start: float, per_second: float) -> Sprite:
    """Rotate anticlockwise, in degrees."""
    return lambda time: (picture.rotate(start + per_second * time, Image.Resampling.BILINEAR), x, y)


def circling(picture: Picture, x: float, y: float, radius: float) -> Sprite:
    return lambda time: (picture, x + radius * math.cos(time * 4), y + radius / 2 * math.sin(time * 4))


def rising_steam(x: float, y: float) -> list[Sprite]:
    """Two wavering clouds."""
    cloud = drawing.steam(260, 300)
    return [
        lambda time: (cloud, x - 60 + 14 * math.sin(time * 2.2), y - 26 * time),
        lambda time: (cloud, x + 70 + 14 * math.sin(time * 2.6 + 2), y + 40 - 34 * time),
    ]


# Sprites of each shot


def dish_closeup() -> list[Sprite]:
    return [still(drawing.baking_dish(620, 440, cooked=True), 360, 980), *rising_steam(360, 740)]


def fresh_food() -> list[Sprite]:
    tomato, feta = drawing.tomato(120), drawing.feta(250, 190)
    spots = [(150, 790), (262, 740), (250, 860), (150, 910), (330, 820)]
    tomatoes = [bobbing(tomato, x, y, 6, phase) for phase, (x, y) in enumerate(spots)]
    return [sliding(drawing.penne(420, 260, 40), 350, 1080, -500), sliding(feta, 530, 830, 400), *tomatoes]


def pantry_food() -> list[Sprite]:
    leaf = drawing.leaf(130)
    return [
        still(drawing.jug(190, 260), 200, 830),
        still(drawing.bottle(120, 330), 350, 810),
        sliding(drawing.spices(190, "#7a8a45"), 540, 800, 400),
        sliding(drawing.spices(190, "#b8402a"), 520, 1050, 500),
        *(turning(leaf, x, y, start, 14) for x, y, start in ((170, 1060, 10), (270, 1020, 80), (250, 1120, 150))),
    ]


def oven_front(brightness: float) -> list[Sprite]:
    """An oven whose light grows by `brightness` per second."""
    light = [drawing.glow(460, 330, level / 20) for level in range(21)]

    def shine(time: float) -> tuple[Picture, float, float]:
        return light[min(20, round(20 * (0.25 + brightness * time)))], 360, 890

    return [still(drawing.oven_inside(460, 330), 360, 890), shine]


def heating() -> list[Sprite]:
    return [*oven_front(0.35), still(drawing.oven(620, 600), 360, 840), turning(drawing.dial(64), 180, 604, 120, -100)]


def baking() -> list[Sprite]:
    dish = drawing.baking_dish(330, 200, cooked=True)
    return [
        *oven_front(0.1),
        bobbing(dish, 360, 920, 3),
        still(drawing.oven(620, 600), 360, 840),
        turning(drawing.dial(64), 540, 604, 0, -40),
    ]


def mixing() -> list[Sprite]:
    spoon = drawing.spoon(330).rotate(40, Image.Resampling.BICUBIC, expand=True)
    return [still(drawing.baking_dish(600, 440, cooked=False), 360, 950), circling(spoon, 470, 900, 90)]


def boiling() -> list[Sprite]:
    tube = drawing.penne(130, 90, 2)
    floating = [bobbing(tube, x, y, 9, x) for x, y in ((270, 806), (370, 790), (450, 812), (340, 826))]
    return [still(drawing.pot(560, 400), 360, 930), *floating, *rising_steam(360, 640)]


def serving() -> list[Sprite]:
    leaf = drawing.leaf(90)
    return [
        still(drawing.pasta_bowl(600, 420), 360, 960),
        lambda time: (leaf.rotate(40 * time), 360, min(830, 560 + 160 * time)),
        *rising_steam(360, 700),
    ]
