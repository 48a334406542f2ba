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

import numpy as np

from tests.media_samples import FPS, Shot, cuts, ffmpeg, film, video

SIZE = (1080, 1920)
SECONDS, SHORT_SECONDS, CUTS = 180, 30, 40
ROUNDS = 3
TOLERANCE_SEC = 2.2 / FPS


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_mb: float
    cuts: tuple[float, ...] = ()


def storyboard() -> list[Shot]:
    """Cuts at random places, none closer to another than 20 frames; a caption in every shot."""
    rng = np.random.default_rng(7)
    spare = SECONDS * FPS - 20 * (CUTS + 1)
    extra = np.diff([0, *np.sort(rng.integers(0, spare, CUTS)), spare])
    cameras = ("still", "pan", "shake", "zoom")
    return [Shot(20 + int(more), cameras[n % 4], captions=[("200 g flour", 5, 60)]) for n, more in enumerate(extra)]


def read_everything(path: Path) -> Measured:
    """Every frame, with OpenCV."""
    import cv2

    start = time.perf_counter()
    capture = cv2.VideoCapture(str(path))
    while capture.read()[0]:
        pass
    return Measured(time.perf_counter() - start, peak_mb())


def take_frames(path: Path) -> Measured:
    return surveyed(path, samples=False)


def take_frames_and_samples(path: Path) -> Measured:
    return surveyed(path, samples=True)


def surveyed(path: Path, *, samples: bool) -> Measured:
    from shared.media.probe import probe
    from shared.media.survey import survey

    info = probe(path)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        found = survey(path, info, Path(out), samples=samples, tick=lambda done: None)
        seconds = time.perf_counter() - start
    return Measured(seconds, peak_mb(), tuple(shot.start for shot in found.shots[1:]))


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def alone(work: Callable[[Path], Measured], path: Path) -> Measured:
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


def line(name: str, runs: list[Measured], base: float, real: list[float]) -> str:
    seconds = statistics.median(run.seconds for run in runs)
    peak = statistics.median(run.peak_mb for run in runs)
    score = f"{f1(runs[0].cuts, real):.2f}" if runs[0].cuts else "–"
    speed = SECONDS * FPS / seconds
    return f"{name:24} {seconds:6.2f} s {speed:7.0f} frames/s {base / seconds:6.1f} × F1 {score:5} peak {peak:4.0f} MB"


def main() -> None:
    shots = storyboard()
    with tempfile.TemporaryDirectory() as folder:
        coding = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23")
        often, seldom, short = (Path(folder) / name for name in ("often.mp4", "seldom.mp4", "short.mp4"))
        video(often, film(shots, SIZE), options={"preset": "veryfast", "crf": "20", "sc_threshold": "0"})
        ffmpeg(seldom, "-i", often, *coding, "-g", "250")
        ffmpeg(short, "-i", often, "-t", str(SHORT_SECONDS), "-c", "copy")
        works = {
            "OpenCV, every frame": read_everything,
            "survey": take_frames,
            "survey with samples": take_frames_and_samples,
        }
        for name, path in {"GOP 30": often, "GOP 250": seldom}.items():
            runs: dict[str, list[Measured]] = {work: [] for work in works}
            for _ in range(ROUNDS):
                for work, do in works.items():
                    runs[work].append(alone(do, path))
            base = statistics.median(run.seconds for run in runs["OpenCV, every frame"])
            print(f"{name}, {path.stat().st_size / 1e6:.0f} MB")
            for work, measured in runs.items():
                print("  " + line(work, measured, base, cuts(shots)))
        files = {SHORT_SECONDS: short, SECONDS: often}
        peaks = {seconds: alone(take_frames_and_samples, path).peak_mb for seconds, path in files.items()}
        print("peak memory with samples: " + ", ".join(f"{peak:.0f} MB for {sec} s" for sec, peak in peaks.items()))


if __name__ == "__main__":
    main()
