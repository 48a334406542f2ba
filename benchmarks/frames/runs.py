"""Run one method on one film in a process of its own, which cannot import the module of a `python -m` command."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.usage import ended_children_seconds, peak_memory_mb

OURS, WITH_SAMPLES = "Clipwise", "Clipwise, with samples"


@dataclass(frozen=True)
class Run:
    """Seconds on the clock and of processor time, the highest memory of the process, and the cuts that it found."""

    wall: float
    cpu: float
    peak_mb: float
    cuts: tuple[float, ...]


def extract_ours(path: Path) -> list[float]:
    return _extract(path, samples=False)


def extract_with_samples(path: Path) -> list[float]:
    return _extract(path, samples=True)


def _extract(path: Path, *, samples: bool) -> list[float]:
    from shared.media.probe import probe
    from shared.media.video.extraction import extract_frames

    with tempfile.TemporaryDirectory() as out:
        result = extract_frames(path, probe(path), Path(out), samples=samples, tick=lambda done: None)
    return [shot.start for shot in result.shots[1:]]


def methods() -> dict[str, Callable[[Path], list[float]]]:
    from benchmarks.frames.rivals import RIVALS

    return {OURS: extract_ours, WITH_SAMPLES: extract_with_samples, **RIVALS}


def measure(name: str, path: Path) -> Run:
    """Run a method once; its imports are not counted."""
    method = methods()[name]
    for module in ("shared.media.video.extraction",) if name in (OURS, WITH_SAMPLES) else ("scenedetect", "cv2"):
        __import__(module)
    before, start = _cpu_seconds(), time.perf_counter()
    cuts = method(path)
    wall, cpu = time.perf_counter() - start, _cpu_seconds() - before
    return Run(wall, cpu, peak_memory_mb(), tuple(cuts))


def _cpu_seconds() -> float:
    return time.process_time() + ended_children_seconds()


def alone(name: str, path: Path) -> Run:
    """Run a method in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, name, path).result()
