"""What reading the screen costs, as medians of one run: `python -m benchmarks.offline_reading`."""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

from benchmarks.sizes import size
from benchmarks.usage import peak_memory_mb
from infra.demo.scenes import storyboard
from shared.ai.offline.recipe.parser import parse_recipe
from shared.ai.screen import ocr
from shared.ai.screen.reader import read_screen
from shared.models.video import Frame

SAMPLES = size(24, smoke=2)
SIZE = (576, 1024)
ROUNDS = size(5, smoke=1)
SIDE_BY_SIDE = size([(1, 1), (1, 2), (2, 1), (2, 2)], smoke=[(1, 1)])
"""Processes that read at once, and the threads of each."""

Samples = list[tuple[Frame, Path]]


def draw(folder: Path) -> Samples:
    """The demo's shots, evenly sampled: cards of text before pictures that move."""
    shots = storyboard()
    ends = list(accumulate(shot.seconds for shot in shots))
    samples = []
    for number in range(SAMPLES):
        at = (number + 0.5) / SAMPLES * ends[-1]
        index = next(index for index, end in enumerate(ends) if at < end)
        picture = shots[index].frame(at - ends[index] + shots[index].seconds).convert("RGB").resize(SIZE)
        path = folder / f"{number:03}.jpg"
        picture.save(path, quality=85)
        samples.append((Frame(name=path.name, time=at, width=SIZE[0], height=SIZE[1]), path))
    return samples


def seconds(samples: Samples, threads: int) -> list[float]:
    """How long each round takes in a process of its own, once the models are loaded."""
    ocr.THREADS = threads
    ocr.engine.cache_clear()
    read_screen(samples[:2], "en", lambda done, doing: None)
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        read_screen(samples, "en", lambda done, doing: None)
        taken.append(time.perf_counter() - start)
    return taken


def side_by_side(samples: Samples, threads: int, processes: int) -> float:
    """Seconds for a round when as many processes read at once."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        runs = pool.map(seconds, [samples] * processes, [threads] * processes)
        return statistics.median(taken for run in runs for taken in run)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        samples = draw(Path(folder))
        print(f"{SAMPLES} samples of {SIZE[0]} × {SIZE[1]}")
        for processes, threads in SIDE_BY_SIDE:
            taken = side_by_side(samples, threads, processes)
            print(f"{processes} process(es) × {threads} thread(s): {taken:.2f} s")
        start = time.perf_counter()
        screen = read_screen(samples, "en", lambda done, doing: None)
        print(f"one process, models not loaded yet: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        recipe = parse_recipe(screen.lines)
        print(f"recipe out of {len(screen.lines)} lines, tables not loaded yet: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        parse_recipe(screen.lines)
        print(f"the same again: {time.perf_counter() - start:.3f} s, {len(recipe.ingredients)} ingredients")
        print(f"peak memory: {peak_memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
