"""How good shots and key frames are, by the truth about a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.frames.films import FPS, Film, Transition, disturbed_frames
from shared.media.video.extraction import FrameSet

TOLERANCE = 2
LONGEST, LONG_SEC = 12, 2.0
BLACK_LUMA = 20
ALIKE = 3.0
"""Two frames whose 64 × 64 cells differ by less than this on average, once one is moved over the other, are alike."""


@dataclass(frozen=True)
class Score:
    hits: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        total = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / total if total else 1.0

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.false + other.false, self.missed + other.missed)


def score_cuts(times: Sequence[float], transitions: Sequence[Transition]) -> Score:
    """Match each time with a transition that lasts until, or begins from, at most two frames from it; each once."""
    open_, hits = list(transitions), 0
    for time in times:
        at = round(time * FPS)
        near = [c for c in open_ if c.first - TOLERANCE <= at <= c.last + TOLERANCE]
        if near:
            open_.remove(min(near, key=lambda change: abs(change.start - at)))
            hits += 1
    return Score(hits, len(times) - hits, len(open_))


@dataclass(frozen=True)
class FrameQuality:
    """Counts over the key frames of one film.

    Attributes:
        shots: Shots of more than 2 s among the 12 longest.
        missing: Those of them without a key frame.
        alike: Key frames like an earlier one.
        dull: Key frames in the less sharp half of their shot.
        unfit: Key frames that are black, mixed, flashed or blurred by a turn of the camera.
    """

    frames: int
    shots: int
    missing: int
    alike: int
    dull: int
    unfit: int

    def __add__(self, other: FrameQuality) -> FrameQuality:
        return FrameQuality(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def judge_frames(film: Film, path: Path, out: Path, result: FrameSet) -> FrameQuality:
    """Judge the key frames of a film beside all of its frames, read by OpenCV."""
    sharpness, light = measure_frames(path)
    spans = film.spans()
    disturbed = disturbed_frames(film)
    chosen = [round(frame.time * FPS) for frame in result.frames]
    long = sorted(spans, key=lambda span: span[0] - span[1])[:LONGEST]
    long = [span for span in long if span[1] - span[0] > LONG_SEC * FPS]
    missing = _count_missing(path, long, chosen, [_cells(out / frame.name) for frame in result.frames])
    dull = 0
    for at in chosen:
        span = next((span for span in spans if span[0] <= at < span[1]), None)
        dull += span is not None and sharpness[at] < float(np.median(sharpness[span[0] : span[1]]))
    unfit = sum(
        at in disturbed or (light[at] < BLACK_LUMA and light[at] < _usual_light(film, spans, at)) for at in chosen
    )
    cells = [_cells(out / frame.name) for frame in result.frames]
    alike = sum(any(_distance(cells[n], cells[m]) < ALIKE for m in range(n)) for n in range(len(cells)))
    return FrameQuality(len(chosen), len(long), missing, alike, dull, unfit)


def _count_missing(
    path: Path, shots: Sequence[tuple[int, int]], chosen: Sequence[int], cells: Sequence[np.ndarray]
) -> int:
    """Count the shots without a key frame in them or like the frame in their middle: a shot may come back."""
    capture, missing = cv2.VideoCapture(str(path)), 0
    for first, last in shots:
        if any(first <= at < last for at in chosen):
            continue
        capture.set(cv2.CAP_PROP_POS_FRAMES, (first + last) // 2)
        done, picture = capture.read()
        assert done
        middle = _shrink(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        missing += not any(_distance(middle, other) < ALIKE for other in cells)
    return missing


def measure_frames(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the sharpness and the mean luma of every frame."""
    capture, sharpness, light = cv2.VideoCapture(str(path)), [], []
    while True:
        done, picture = capture.read()
        if not done:
            return np.array(sharpness), np.array(light)
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        sharpness.append(float(cv2.Laplacian(grey, cv2.CV_16S).var()))
        light.append(float(grey.mean()))


def _usual_light(film: Film, spans: Sequence[tuple[int, int]], at: int) -> float:
    """Return the luma below which a frame counts as black: none in a scene that is dark itself."""
    number = next((n for n, span in enumerate(spans) if span[0] <= at < span[1]), None)
    return 255.0 if number is None or film.takes[number].light == 1 else 0.0


def _cells(path: Path) -> np.ndarray:
    return _shrink(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def _shrink(grey: np.ndarray) -> np.ndarray:
    return cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the least mean difference with one picture moved by up to 4 cells."""
    middle = one[4:-4, 4:-4]
    return min(
        float(np.abs(middle - other[4 + dy : 60 + dy, 4 + dx : 60 + dx]).mean())
        for dy in range(-4, 5)
        for dx in range(-4, 5)
    )
