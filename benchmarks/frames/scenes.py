"""Draw scenes for films whose truth is known: photographs as texture, moving as cameras and people do.

The photographs are those in scikit-image's wheel, which its authors give to the public domain or under free licences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Literal

import cv2
import numpy as np

Picture = np.ndarray[Any, Any]
"""Height × width × 3, BGR, uint8."""
Camera = Literal["tripod", "hand", "pan", "zoom", "walk"]
Kind = Literal["scene", "split", "slide", "deck", "screen"]
CAMERAS: tuple[Camera, ...] = ("tripod", "hand", "pan", "zoom", "walk")
PHOTOS = (
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "motorcycle_left.png",
    "rocket.jpg",
    "brick.png",
    "grass.png",
    "gravel.png",
    "camera.png",
    "coins.png",
    "retina.jpg",
    "ihc.png",
    "hubble_deep_field.jpg",
    "page.png",
)
GRAIN = ("grass.png", "gravel.png")
MARGIN = 1.5
NOISE = 2.5
WHIP_FRAMES = 9


@dataclass(frozen=True)
class Take:
    """A run of `frames` between two transitions; takes with the same `scene` show the same place and people.

    Attributes:
        kind: What is filmed; a split screen shows two scenes one above the other. A slide has a paper of its own, the
            slides of a deck have the same.
        camera: How the camera moves.
        zoom: Magnification at the start; a punch-in has more than the take before it.
        subject_at: Where the person stands, as a part of the width; a jump cut moves them.
        light: 1 for daylight, 0.12 for a dark scene.
        letterbox: Black part of the height, above and below together.
        flashes: First frames of flashes of two frames.
        whips: First frames of quick turns of the camera that end in another part of the same scene.
        captions: First and last frames with a caption.
        blurred: First and last frames out of focus.
    """

    frames: int
    scene: int
    kind: Kind = "scene"
    camera: Camera = "tripod"
    zoom: float = 1.0
    subject_at: float = 0.5
    light: float = 1.0
    letterbox: float = 0.0
    flashes: tuple[int, ...] = ()
    whips: tuple[int, ...] = ()
    captions: tuple[tuple[int, int], ...] = ()
    blurred: tuple[tuple[int, int], ...] = ()


@lru_cache(maxsize=32)
def photo(name: str) -> Picture:
    data = np.frombuffer((files("skimage") / "data" / name).read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def canvas(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A part of a photograph in other colours, with fine detail that enlarging it took away."""
    source = photo(str(rng.choice(PHOTOS)))
    if rng.random() < 0.5:
        source = source[:, ::-1]
    aspect = width / height
    share = rng.uniform(0.45, 0.95)
    h = int(share * min(source.shape[0], source.shape[1] / aspect))
    w = int(h * aspect)
    y, x = int(rng.integers(source.shape[0] - h + 1)), int(rng.integers(source.shape[1] - w + 1))
    picture = cv2.resize(source[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_CUBIC)
    grain = photo(str(rng.choice(GRAIN)))
    detail = cv2.cvtColor(np.tile(grain, (-(-height // grain.shape[0]), -(-width // grain.shape[1]), 1)), 6)
    detail = detail[:height, :width].astype(np.float32) / detail.mean() - 1
    gain = rng.uniform(0.7, 1.25) * rng.uniform(0.85, 1.15, 3)
    lit = 255 * (picture.astype(np.float32) / 255) ** rng.uniform(0.8, 1.3) * gain + rng.uniform(0, 18)
    return np.clip(lit * (1 + 0.25 * detail[..., None]), 0, 255).astype(np.uint8)


def page(rng: np.random.Generator, width: int, height: int, look: np.random.Generator | None = None) -> Picture:
    """A page of text with a heading, some with a photograph; `look` decides on its colours."""
    look = look or rng
    dark = look.random() < 0.3
    paper, ink = (look.integers(15, 50, 3), (230, 230, 230)) if dark else (look.integers(215, 255, 3), (30, 30, 30))
    picture = np.full((height, width, 3), paper, np.uint8)
    size = min(width, height) / 700
    cv2.rectangle(picture, (0, 0), (width, int(0.09 * height)), look.integers(30, 220, 3).tolist(), -1)
    letters = "".join(chr(int(code)) for code in rng.integers(97, 123, 4000))
    for row in range(int(0.16 * height), int(0.92 * height), max(8, int(30 * size))):
        if rng.random() < 0.8:
            at = int(rng.integers(3900))
            line = letters[at : at + int(rng.integers(6, 44))]
            cv2.putText(picture, line, (int(0.06 * width), row), cv2.FONT_HERSHEY_SIMPLEX, 0.7 * size, ink, 1, 16)
    if rng.random() < 0.6:
        w, h = int(0.4 * width), int(0.3 * height)
        x, y = int(rng.integers(width - w)), int(rng.integers(int(0.1 * height), height - h))
        picture[y : y + h, x : x + w] = canvas(rng, w, h)
    return picture


class DrawnTake:
    """Draws the frames of one take; they may be asked for a little before its start and behind its end too."""

    def __init__(self, take: Take, size: tuple[int, int], seed: int) -> None:
        self.take, self.size, self.seed = take, size, seed
        self._motion = np.random.default_rng((seed, take.scene, take.frames))
        self._unit = max(size) / 1920

    @cached_property
    def _places(self) -> list[Picture]:
        """The canvases of the scene: two for a split screen, else one."""
        rng = np.random.default_rng((self.seed, self.take.scene))
        width, height = self.size
        if self.take.kind == "deck":
            return [page(rng, width, height, look=np.random.default_rng((self.seed, 3)))]
        if self.take.kind in ("slide", "screen"):
            return [page(rng, width, height * (2 if self.take.kind == "screen" else 1))]
        if self.take.kind == "split":
            return [canvas(rng, int(MARGIN * width), int(MARGIN * height / 2)) for _ in range(2)]
        return [canvas(rng, int(MARGIN * width), int(MARGIN * height))]

    @cached_property
    def _subject(self) -> tuple[Picture, np.ndarray[Any, Any]]:
        """A person, or what stands for one: a soft oval of another photograph."""
        rng = np.random.default_rng((self.seed, self.take.scene, 1))
        width, height = (int(side * rng.uniform(0.4, 0.65)) for side in self.size)
        mask = np.zeros((height, width), np.float32)
        cv2.ellipse(mask, (width // 2, height // 2), (int(0.42 * width), int(0.45 * height)), 0, 0, 360, 1, -1)
        return canvas(rng, width, height), cv2.GaussianBlur(mask, (0, 0), width / 60)[..., None]

    @cached_property
    def _path(self) -> np.ndarray[Any, Any]:
        """Where the camera looks in every frame: x, y, magnification, and the subject's x and y."""
        take, rng = self.take, self._motion
        count = take.frames + 120
        shake = {"tripod": 0.1, "hand": 1.2, "pan": 0.3, "zoom": 0.2, "walk": 2.6}[take.camera] * self._unit
        steps = rng.normal(0, shake, (count, 2))
        sway = np.zeros((count, 2))
        for n in range(1, count):
            sway[n] = 0.93 * sway[n - 1] + steps[n]
        time = np.arange(count)
        turn = rng.uniform(-1, 1, 2) * {"pan": 4.0, "walk": 1.5}.get(take.camera, 0.0) * self._unit
        away = sway + turn * time[:, None]
        for whip in take.whips:
            angle = np.sign(rng.normal(size=2)) * np.array([90, 12]) * self._unit
            away += angle * np.clip(time - 60 - whip, 0, WHIP_FRAMES)[:, None]
        growth = {"zoom": rng.choice([-0.0012, 0.0022]), "walk": 0.0006}.get(take.camera, 0.0)
        zoom = take.zoom * np.maximum(0.8, 1 + growth * time)
        phase = rng.uniform(0, 6, 2)
        person = np.stack([np.sin(time / 23 + phase[0]), np.sin(time / 14 + phase[1])], 1) * [18, 9] * self._unit
        return np.column_stack([away, zoom, person])

    def frame(self, number: int) -> Picture:
        take, (width, height) = self.take, self.size
        if take.kind in ("slide", "deck"):
            picture = self._places[0].copy()
        elif take.kind == "screen":
            picture = self._screen(number)
        elif take.kind == "split":
            halves = [self._render_view(place, number, (width, height // 2), n) for n, place in enumerate(self._places)]
            picture = np.vstack([*halves, *[halves[1][-1:]] * (height - 2 * (height // 2))])
        else:
            picture = self._render_view(self._places[0], number, self.size, 0)
            self._place_subject(picture, number)
        if take.light < 1:
            picture = cv2.convertScaleAbs(picture, alpha=take.light, beta=4)
        if any(first <= number < last for first, last in take.blurred):
            picture = cv2.GaussianBlur(picture, (0, 0), 5 * self._unit)
        if any(first <= number < first + 2 for first in take.flashes):
            picture = cv2.convertScaleAbs(picture, alpha=1.2, beta=150)
        self._write_captions(picture, number)
        bar = int(take.letterbox * height / 2)
        if bar:
            picture[:bar] = picture[-bar:] = 0
        return picture

    def _render_view(self, place: Picture, number: int, size: tuple[int, int], half: int) -> Picture:
        """What the camera sees of a place."""
        x, y, zoom, *_ = self._path[number + 60]
        if half:
            x, y = -y, x
        width, height = size
        left, top = place.shape[1] / 2 - width / 2 / zoom + x, place.shape[0] / 2 - height / 2 / zoom + y
        move = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
        picture = cv2.warpAffine(place, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        if any(whip <= number < whip + WHIP_FRAMES for whip in self.take.whips):
            picture = cv2.blur(picture, (max(3, int(70 * self._unit)), max(1, int(9 * self._unit))))
        return picture

    def _place_subject(self, picture: Picture, number: int) -> None:
        image, mask = self._subject
        zoom, dx, dy = self._path[number + 60][2:]
        if zoom != 1:
            image, mask = (cv2.resize(part, None, fx=zoom, fy=zoom) for part in (image, mask))
            mask = mask.reshape(*mask.shape[:2], 1)
        height, width = image.shape[:2]
        x = int(self.size[0] * (0.5 + (self.take.subject_at - 0.5) * zoom) - width / 2 + dx)
        y = int(self.size[1] * 0.62 - height / 2 + dy)
        left, top = max(0, x), max(0, y)
        right, bottom = min(self.size[0], x + width), min(self.size[1], y + height)
        if right <= left or bottom <= top:
            return
        inside = slice(top - y, bottom - y), slice(left - x, right - x)
        behind = picture[top:bottom, left:right]
        behind += ((image[inside].astype(np.float32) - behind) * mask[inside]).astype(np.int16).astype(np.uint8)

    def _screen(self, number: int) -> Picture:
        """A page that scrolls now and then, a pointer, and a window that opens on it."""
        width, height = self.size
        number += 60
        scroll = int(min(height, 12 * self._unit * max(0, number % 150 - 100) + 600 * self._unit * (number // 150)))
        picture = self._places[0][scroll : scroll + height].copy()
        if self.take.frames > 120 and number > 120:
            cv2.rectangle(picture, (width // 5, height // 3), (width * 4 // 5, height * 3 // 5), (200, 200, 205), -1)
        x, y = int(width * (0.5 + 0.3 * np.sin(number / 31))), int(height * (0.5 + 0.2 * np.sin(number / 19)))
        cv2.circle(picture, (x, y), max(3, int(9 * self._unit)), (40, 40, 40), -1)
        return picture

    def _write_captions(self, picture: Picture, number: int) -> None:
        for order, (first, last) in enumerate(self.take.captions):
            if first <= number < last:
                height, width = picture.shape[:2]
                box = int(0.08 * width), int((0.66 + 0.1 * (order % 2)) * height)
                size = width / 700
                cv2.rectangle(
                    picture, (box[0] - 5, box[1] - int(34 * size)), (width - box[0], box[1] + 9), (20,) * 3, -1
                )
                text = f"{100 * order + 250} g of flour, step {order + 1}"
                cv2.putText(picture, text, box, cv2.FONT_HERSHEY_SIMPLEX, 1.1 * size, (250,) * 3, 2, 16)


def add_noise(pictures: Iterator[tuple[Picture, bool]], size: tuple[int, int], seed: int) -> Iterator[Picture]:
    """Add what a sensor adds to pictures that a camera took; not to slides and screens."""
    rng = np.random.default_rng((seed, 2))
    width, height = size
    fine = rng.normal(0, NOISE, (height + 64, width + 64, 1)) + rng.normal(0, NOISE / 2, (height + 64, width + 64, 3))
    grain = fine.astype(np.int16)
    for picture, is_filmed in pictures:
        if is_filmed:
            y, x = (int(n) for n in rng.integers(0, 64, 2))
            picture = cv2.add(picture, grain[y : y + height, x : x + width], dtype=cv2.CV_8U)
        yield picture
