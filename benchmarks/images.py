"""Validating images and grouping near duplicates, as medians of one run: `python -m benchmarks.images [PYTHON]`.

PYTHON, when given, is the interpreter of another environment with imagededup and cleanvision, which are measured beside
ours in the same rounds. All times are of the processor, of one thread in a process of its own: the machine is shared.

`python -m benchmarks.images --flaws [PYTHON]` judges a labelled set of rendered images instead, with cleanvision beside
it if PYTHON is given (`benchmarks._image_flaws`).
"""

from __future__ import annotations

import os
import statistics
import subprocess
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

from benchmarks._image_flaws import report_flaws
from benchmarks.sizes import size
from benchmarks.usage import peak_memory_mb
from shared.images.inspection import check_image, inspect_image
from shared.models.image import Level, Thresholds
from tests.picture_samples import encoded, scene

SIZES = {"640 × 480": (640, 480)} | size({"3000 × 2000": (3000, 2000)}, smoke={})
SCENES, COPIES = size((6, 4), smoke=(1, 1))
ROUNDS = size(3, smoke=1)
DISTANCE = Thresholds().max_distance or 0
COUNTS = size((100_000, 1_000_000), smoke=(1000,))
RIVAL_COUNT = 20_000
CHECKED = size(300, smoke=3)
RIVALS = Path(__file__).with_name("_image_rivals.py")

T = TypeVar("T")
Codes = np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True)
class Grouped:
    seconds: float
    peak_mb: float
    grown_mb: float
    groups: int
    members: int
    missed: int


def make(folder: Path, resolution: tuple[int, int]) -> None:
    """Scenes as JPEGs, each in some qualities."""
    for seed in range(SCENES):
        for copy in range(COPIES):
            (folder / f"{seed}-{copy}.jpg").write_bytes(encoded(scene(seed, resolution), quality=70 + 8 * copy))


def validate(folder: Path, level: Level) -> float:
    """Seconds for all images of the folder, read, looked at and judged."""
    limits, paths = Thresholds(), sorted(folder.iterdir())
    inspect_image(paths[0], level=level)  # imports
    start = time.process_time()
    for path in paths:
        check_image(inspect_image(path, level=level), limits, level, path.name)
    return time.process_time() - start


def rival(python: str, *arguments: str) -> float:
    done = subprocess.run([python, RIVALS, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{arguments[0]} does not run there: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def codes(count: int) -> Codes:
    """Random, but a tenth of them are some bits away from another."""
    rng = np.random.default_rng(count)
    made = rng.integers(0, 2**64, count, dtype=np.uint64)
    near = count // 10
    made[:near] = made[near : 2 * near]
    for _ in range(DISTANCE - 1):
        made[:near] ^= np.uint64(1) << rng.integers(0, 64, near, dtype=np.uint64)
    return made


def group(count: int) -> Grouped:
    """Our grouping, and how many neighbours of some hashes, found by comparing them with all, it does not join."""
    from shared.images.comparison import near_duplicates

    made = codes(count)
    named = [(f"{number:07}", int(code)) for number, code in enumerate(made)]
    near_duplicates(named[:1000], DISTANCE)
    before, start = peak_memory_mb(), time.process_time()
    found = near_duplicates(named, DISTANCE)
    taken, after = time.process_time() - start, peak_memory_mb()
    missed = 0
    for number in np.random.default_rng(1).integers(0, count // 5, CHECKED):
        near = np.flatnonzero(np.bitwise_count(made ^ made[number]) <= DISTANCE)
        names = [f"{other:07}" for other in near] if len(near) > 1 else []
        missed += len(names) - sum(found.get(name) == found.get(names[0]) is not None for name in names)
    return Grouped(taken, after, after - before, len(set(found.values())), len(found), missed)


def alone(work: Callable[..., T], *arguments: object) -> T:
    """`work` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def compare_validation(folder: Path, title: str, python: str | None) -> None:
    works: dict[str, Callable[[], float]] = {
        level: (lambda level=level: alone(validate, folder, level)) for level in ("fast", "medium", "slow")
    }
    if python:
        for name in ("imagededup", "cleanvision"):
            works[name] = lambda name=name: rival(python, name, str(folder))
    runs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            runs[name].append(work())
    middle = {name: statistics.median(taken) for name, taken in runs.items()}
    print(f"{SCENES * COPIES} JPEGs of {title}")
    for name, taken in middle.items():
        speed = SCENES * COPIES / taken
        print(f"  {name:12} {speed:7.0f} images/s per core; medium is {taken / middle['medium']:5.2f} times as fast")


def compare_grouping(folder: Path, python: str) -> None:
    file = folder / "codes.npy"
    np.save(file, codes(RIVAL_COUNT))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(alone(group, RIVAL_COUNT).seconds)
        theirs.append(rival(python, "group", str(file), str(DISTANCE)))
    us, them = statistics.median(ours), statistics.median(theirs)
    print(f"grouping {RIVAL_COUNT} hashes: {us:.2f} s, imagededup {them:.2f} s, {them / us:.0f} times as long")


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if sys.argv[1:2] == ["--flaws"]:
        report_flaws(RIVALS, sys.argv[2] if len(sys.argv) > 2 else None)
        return
    python = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as name:
        for title, resolution in SIZES.items():
            folder = Path(name) / title.replace(" ", "")
            folder.mkdir()
            alone(make, folder, resolution)
            compare_validation(folder, title, python)
        if python:
            compare_grouping(Path(name), python)
    for count in COUNTS:
        runs = [alone(group, count) for _ in range(ROUNDS)]
        seconds = statistics.median(run.seconds for run in runs)
        one = runs[0]
        print(
            f"{count} hashes within {DISTANCE} bits: {seconds:.2f} s, {one.grown_mb:.0f} MB more than the hashes "
            f"({one.peak_mb:.0f} MB in all); {one.members} in {one.groups} groups; of the neighbours of {CHECKED} "
            f"hashes, found by comparing with all, {one.missed} missed"
        )


if __name__ == "__main__":
    main()
