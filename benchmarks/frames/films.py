"""Films made from a seed, with the truth about them: where shots begin, and which frames belong to no shot.

A seed decides which scenes follow each other, for how long, and what disturbs them. All that an editor does to short
videos comes: plain and jump cuts, punch-ins, fades, dissolves, captions, flashes, whip pans, dark and letterboxed
scenes, split screens, screen recordings and slides.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from benchmarks.frames.scenes import CAMERAS, WHIP_FRAMES, DrawnTake, Picture, Take, add_noise
from tests.ffmpeg_programs import RENDERER

FPS = 30
Change = Literal["cut", "fade", "dissolve"]


@dataclass(frozen=True)
class Transition:
    """The change to the take that starts at frame `start`; the frames from `first` to before `last` are mixed."""

    kind: Change
    start: int
    first: int
    last: int


@dataclass(frozen=True)
class Film:
    """What is drawn: `transitions[n]` leads from `takes[n]` to `takes[n + 1]`."""

    seed: int
    takes: tuple[Take, ...]
    transitions: tuple[Transition, ...]

    @property
    def frames(self) -> int:
        return sum(take.frames for take in self.takes)

    def spans(self) -> list[tuple[int, int]]:
        """First frame, and the one behind the last, of each shot without its transitions."""
        edges = [0, *(change.start for change in self.transitions), self.frames]
        spans = list(pairwise(edges))
        for number, change in enumerate(self.transitions):
            spans[number] = spans[number][0], min(spans[number][1], change.first)
            spans[number + 1] = max(spans[number + 1][0], change.last), spans[number + 1][1]
        return spans


def compose(seed: int, seconds: int) -> Film:
    """Compose the takes and transitions of a film of this length."""
    rng = np.random.default_rng(seed)
    takes: list[Take] = []
    changes: list[Change] = []
    left, scene = seconds * FPS, 0
    while left > 0:
        scene += 1
        block = _block(rng, scene)
        for number, take in enumerate(block):
            if left <= 0:
                break
            frames = left if left - take.frames < 45 else take.frames
            if takes:
                soft = number == 0 and take.kind == "scene" and takes[-1].kind == "scene" and takes[-1].frames > 60
                changes.append(str(rng.choice(["cut", "fade", "dissolve"], p=[0.76, 0.1, 0.14])) if soft else "cut")  # type: ignore[arg-type]
            takes.append(replace(take, frames=frames))
            left -= frames
    transitions, start = [], 0
    for take, after, kind in zip(takes, takes[1:], changes, strict=False):
        start += take.frames
        half = 0 if kind == "cut" else int(rng.integers(4, 11))
        half = min(half, after.frames // 4)
        transitions.append(Transition(kind, start, start - half, start + half))
    return Film(seed, tuple(takes), tuple(transitions))


def compose_deck(seed: int, seconds: int) -> Film:
    """Compose a talk of this length: slides on the same paper, some with lines that appear later."""
    rng = np.random.default_rng(seed)
    takes: list[Take] = []
    while (left := seconds * FPS - sum(take.frames for take in takes)) > 0:
        frames = int(FPS * rng.uniform(2, 9))
        captions = ((20, 40), (40, 9999)) if rng.random() < 0.5 else ()
        takes.append(Take(left if left - frames < 60 else frames, len(takes), "deck", captions=captions))
    starts = np.cumsum([take.frames for take in takes[:-1]]).tolist()
    return Film(seed, tuple(takes), tuple(Transition("cut", start, start, start) for start in starts))


def _block(rng: np.random.Generator, scene: int) -> list[Take]:
    """One scene as one or several takes."""
    kind = str(rng.choice(["plain", "talk", "dark", "letterbox", "split", "slides", "screen"],
                          p=[0.44, 0.22, 0.08, 0.08, 0.06, 0.06, 0.06]))  # fmt: skip
    number = 100 * scene

    def length(low: float, high: float) -> int:
        return int(FPS * rng.uniform(low, high))

    if kind == "slides":
        return [
            Take(length(2, 9), number + n, "slide", captions=((20, 40), (40, 9999)) if rng.random() < 0.5 else ())
            for n in range(int(rng.integers(2, 5)))
        ]
    if kind == "screen":
        return [Take(length(3, 8), number + n, "screen") for n in range(int(rng.integers(1, 3)))]
    if kind == "talk":
        first = _disturb(rng, Take(length(1.2, 5), number, camera=str(rng.choice(["tripod", "hand"]))))  # type: ignore[arg-type]
        takes = [first]
        for _ in range(int(rng.integers(1, 4))):
            punched = rng.random() < 0.5
            zoom = float(rng.uniform(1.25, 1.6)) if punched and takes[-1].zoom == 1 else 1.0
            at = takes[-1].subject_at + float(rng.choice([-1, 1]) * rng.uniform(0.14, 0.22))
            takes.append(
                replace(
                    takes[-1], frames=length(0.7, 4), zoom=zoom, subject_at=min(0.8, max(0.2, at)), flashes=(), whips=()
                )
            )
        return takes
    take = Take(length(0.8, 8), number, camera=CAMERAS[int(rng.integers(len(CAMERAS)))])
    if kind == "dark":
        take = replace(take, light=float(rng.uniform(0.1, 0.25)))
    elif kind == "letterbox":
        take = replace(take, letterbox=float(rng.uniform(0.2, 0.5)))
    elif kind == "split":
        take = replace(take, kind="split")
    return [_disturb(rng, take)]


def _disturb(rng: np.random.Generator, take: Take) -> Take:
    """Add what must not be taken for a cut."""
    if take.frames < 60 or take.kind != "scene":
        return take
    middle = int(rng.integers(15, take.frames - 30))
    event = rng.random()
    if event < 0.12 and take.light == 1:
        take = replace(take, flashes=(middle,))
    elif event < 0.2:
        take = replace(take, whips=(middle,))
    elif event < 0.32:
        take = replace(take, blurred=((middle, middle + 20),))
    if rng.random() < 0.45:
        first = int(rng.integers(5, take.frames - 20))
        take = replace(take, captions=((first, first + 35), (first + 35, first + 80)))
    return take


def draw(film: Film, size: tuple[int, int]) -> Iterator[Picture]:
    yield from add_noise(_draw_clean(film, size), size, film.seed)


def _draw_clean(film: Film, size: tuple[int, int]) -> Iterator[tuple[Picture, bool]]:
    start, drawn = 0, DrawnTake(film.takes[0], size, film.seed)
    before = drawn
    entry: Transition | None = None
    for number, take in enumerate(film.takes):
        after = DrawnTake(film.takes[number + 1], size, film.seed) if number + 1 < len(film.takes) else None
        exit_ = film.transitions[number] if after else None
        for frame in range(take.frames):
            at = start + frame
            picture = drawn.frame(frame)
            if entry and at < entry.last:
                picture = _mix(entry, before.frame(before.take.frames + frame), picture, at)
            elif exit_ and after and at >= exit_.first:
                picture = _mix(exit_, picture, after.frame(at - exit_.start), at)
            yield picture, take.kind in ("scene", "split")
        start += take.frames
        if after is None:
            return
        before, drawn, entry = drawn, after, exit_


def _mix(change: Transition, old: Picture, new: Picture, at: int) -> Picture:
    share = (at - change.first + 0.5) / (change.last - change.first)
    if change.kind == "dissolve":
        return cv2.addWeighted(old, 1 - share, new, share, 0)
    return cv2.convertScaleAbs(old if share < 0.5 else new, alpha=abs(1 - 2 * share))


def disturbed_frames(film: Film) -> set[int]:
    """Return the frames that no one should see as a picture of the film: mixed ones, flashes and whip pans."""
    frames = {n for change in film.transitions for n in range(change.first, change.last)}
    start = 0
    for take in film.takes:
        frames |= {start + flash + n for flash in take.flashes for n in range(2)}
        frames |= {start + whip + n for whip in take.whips for n in range(WHIP_FRAMES)}
        start += take.frames
    return frames


def write(film: Film, size: tuple[int, int], codings: dict[Path, tuple[str, ...]]) -> None:
    """Encode a film while it is drawn, once into each of the files."""
    raw = ("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size[0]}x{size[1]}", "-r", str(FPS), "-i", "-")
    outputs = [part for path, coding in codings.items() for part in ("-pix_fmt", "yuv420p", *coding, str(path))]
    with subprocess.Popen(
        [RENDERER, "-nostdin", "-v", "error", "-y", *raw, *outputs], stdin=subprocess.PIPE
    ) as encoder:
        assert encoder.stdin
        for picture in draw(film, size):
            encoder.stdin.write(np.ascontiguousarray(picture).data)
        encoder.stdin.close()
        if encoder.wait():
            raise RuntimeError(f"ffmpeg could not write {', '.join(path.name for path in codings)}")
