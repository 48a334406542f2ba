"""Taking pictures out of a video against reading all of it, as medians of one run: `python -m benchmarks.extract`.

The film: 180 s of 1080 × 1920 at 30 frames a second, with 40 cuts between scenes whose camera moves or not. It is
encoded once with a key frame every second, whatever is shown then, and once with key frames at cuts and at least every
250 frames. Every measurement runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from tests.media_samples import FPS, Camera, Shot, cuts, ffmpeg, film, video

T = TypeVar("T")

SIZE = (1080, 1920)
SECONDS, SHORT_SECONDS, CUTS = 180, 30, 40
ROUNDS = 3
TOLERANCE_SEC = 2.2 / FPS


@dataclass(frozen=True)
class Measured:
    """Seconds on the clock and of processor time, and the highest memory of the process."""

    wall: float
    cpu: float
    peak_mb: float
    cuts: tuple[float, ...] = ()


def storyboard() -> list[Shot]:
    """Cuts at random places, none closer to another than 20 frames; a caption in every shot."""
    rng = np.random.default_rng(7)
    spare = SECONDS * FPS - 20 * (CUTS + 1)
    extra = np.diff([0, *np.sort(rng.integers(0, spare, CUTS)), spare])
    cameras: tuple[Camera, ...] = ("still", "pan", "shake", "zoom")
    return [Shot(20 + int(more), cameras[n % 4], captions=[("200 g flour", 5, 60)]) for n, more in enumerate(extra)]


def read_everything(path: Path) -> Measured:
    """Every frame, with OpenCV."""
    import cv2

    start = time.perf_counter(), time.process_time()
    capture = cv2.VideoCapture(str(path))
    while capture.read()[0]:
        pass
    return measured(start)


def take_frames(path: Path) -> Measured:
    return surveyed(path, samples=False)


def take_frames_and_samples(path: Path) -> Measured:
    return surveyed(path, samples=True)


def surveyed(path: Path, *, samples: bool) -> Measured:
    from shared.media.probe import probe
    from shared.media.video.extraction import extract_frames

    info = probe(path)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter(), time.process_time()
        found = extract_frames(path, info, Path(out), samples=samples, tick=lambda done: None)
        return measured(start, tuple(shot.start for shot in found.shots[1:]))


def measured(start: tuple[float, float], found: tuple[float, ...] = ()) -> Measured:
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measured(wall, cpu, peak / (1e6 if sys.platform == "darwin" else 1e3), found)


def make(folder: Path) -> None:
    often = video(
        folder / "often.mp4", film(storyboard(), SIZE), options={"preset": "veryfast", "crf": "20", "sc_threshold": "0"}
    )
    ffmpeg(folder / "seldom.mp4", "-i", often, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "250")
    ffmpeg(folder / "short.mp4", "-i", often, "-t", str(SHORT_SECONDS), "-c", "copy")


def alone(work: Callable[[Path], T], path: Path) -> T:
    """`work` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path).result()


def f1(found: tuple[float, ...], real: list[float]) -> float:
    """Harmonic mean of precision and recall, to two frames."""
    left, hits = list(real), 0
    for cut in found:
        near = [other for other in left if abs(other - cut) <= TOLERANCE_SEC]
        if near:
            left.remove(near[0])
            hits += 1
    return 2 * hits / (len(found) + len(real))


def line(name: str, runs: list[Measured], base: list[Measured], real: list[float]) -> str:
    wall, cpu, peak = middle(runs)
    base_wall, base_cpu, _ = middle(base)
    score = f"{f1(runs[0].cuts, real):.2f}" if runs[0].cuts else "–"
    return (
        f"  {name:22} {wall:6.2f} s {SECONDS * FPS / wall:6.0f} frames/s, {base_wall / wall:4.1f} times as fast; "
        f"{cpu:6.2f} s of processor time, {base_cpu / cpu:4.1f} times less; F1 {score:4}; peak {peak:4.0f} MB"
    )


def middle(runs: list[Measured]) -> tuple[float, float, float]:
    rows = [(run.wall, run.cpu, run.peak_mb) for run in runs]
    wall, cpu, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    return wall, cpu, peak


def main() -> None:
    real = cuts(storyboard())
    works = {
        "OpenCV, every frame": read_everything,
        "survey": take_frames,
        "survey with samples": take_frames_and_samples,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone(make, folder)
        for title, path in {"GOP 30": folder / "often.mp4", "GOP 250": folder / "seldom.mp4"}.items():
            runs: dict[str, list[Measured]] = {work: [] for work in works}
            for _ in range(ROUNDS):
                for work, do in works.items():
                    runs[work].append(alone(do, path))
            print(f"{title}, {path.stat().st_size / 1e6:.0f} MB")
            for work, results in runs.items():
                print(line(work, results, runs["OpenCV, every frame"], real), flush=True)
        files = {SHORT_SECONDS: "short.mp4", SECONDS: "often.mp4"}
        peaks = {seconds: alone(take_frames_and_samples, folder / file).peak_mb for seconds, file in files.items()}
        print("peak memory with samples: " + ", ".join(f"{peak:.0f} MB for {n} s" for n, peak in peaks.items()))


if __name__ == "__main__":
    main()
