"""Shots and key frames beside what else finds cuts, in one run: `python -m benchmarks.frames [--quick]`.

Speed: one film of 180 s, 1080 × 1920, 30 frames a second, as H.264 with key frames every second, as H.264 with key
frames at cuts and at least every 250 frames, and as HEVC, VP9 and AV1. Every method reads every file five times, by
turns, each time in a process of its own; ratios are of medians. Quality: five more films of 120 s, 540 × 960, whose
seeds were not used to choose any threshold, and five talks of half that length with slides on one paper. `--quick`
takes fewer, smaller and shorter films, in a few minutes.

Needs the rivals and the photographs: `uv sync --group bench`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.frames.runs import OURS, WITH_SAMPLES, Run, alone, methods
from benchmarks.sizes import IS_SMOKE, skip

if TYPE_CHECKING:
    from benchmarks.frames.films import Film

GOPS = {"H.264, GOP 30": ("-g", "30", "-sc_threshold", "0"), "H.264, GOP 250": ("-g", "250")}
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23")
OTHERS = {
    "HEVC": ("hevc.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "VP9": ("vp9.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "6M", "-g", "128"),
    "AV1": ("av1.mp4", "-c:v", "libsvtav1", "-preset", "12", "-g", "150"),
}
SPEED_SEED, SEEDS = 7, (11, 12, 13, 14, 15)
LONG_TIMES = 10


@dataclass(frozen=True)
class Plan:
    size: tuple[int, int]
    seconds: int
    rounds: int
    quality_size: tuple[int, int]
    quality_seconds: int
    seeds: tuple[int, ...]
    codecs: tuple[str, ...]


FULL = Plan((1080, 1920), 180, 5, (540, 960), 120, SEEDS, tuple(OTHERS))
QUICK = Plan((360, 640), 40, 3, (360, 640), 40, SEEDS[:2], ())
SMOKE = Plan((72, 128), 12, 1, (72, 128), 12, SEEDS[:1], ())


def report_speed(plan: Plan, folder: Path) -> Path:
    """Print the table of every method and file; return the file with key frames every second."""
    from benchmarks.frames.films import RENDERER, compose, write
    from benchmarks.frames.measures import score_cuts
    from benchmarks.frames.rivals import ADAPTIVE, FULL_DECODE

    film = compose(SPEED_SEED, plan.seconds)
    files = {title: folder / f"speed-{n}.mp4" for n, title in enumerate(GOPS)}
    write(film, plan.size, {files[title]: (*H264, *gop) for title, gop in GOPS.items()})
    first = next(iter(files.values()))
    for title in plan.codecs:
        name, *coding = OTHERS[title]
        files[title] = folder / name
        _run_ffmpeg(RENDERER, "-i", first, *coding, files[title])
    for title, path in files.items():
        runs: dict[str, list[Run]] = {name: [] for name in methods()}
        for _ in range(plan.rounds):
            for name in runs:
                runs[name].append(alone(name, path))
        print(f"\n{title}: {plan.seconds} s, {plan.size[0]} × {plan.size[1]}, {path.stat().st_size / 1e6:.0f} MB")
        print(f"{'':24}{'wall s':>8}{'× Adaptive':>12}{'× decode':>10}{'cpu s':>8}{'× decode':>10}{'F1':>6}{'MB':>6}")
        wall = {name: statistics.median(run.wall for run in of) for name, of in runs.items()}
        cpu = {name: statistics.median(run.cpu for run in of) for name, of in runs.items()}
        for name, of in runs.items():
            found = score_cuts(of[0].cuts, film.transitions)
            f1 = f"{found.f1:.3f}" if of[0].cuts else "–"
            print(
                f"{name:24}{wall[name]:8.2f}{wall[name] / wall[ADAPTIVE]:12.2f}{wall[name] / wall[FULL_DECODE]:10.2f}"
                f"{cpu[name]:8.2f}{cpu[name] / cpu[FULL_DECODE]:10.2f}{f1:>6}{max(r.peak_mb for r in of):6.0f}",
                flush=True,
            )
    return first


def report_quality(plan: Plan, folder: Path) -> None:
    """Print F1 of every detector over the films of all seeds, and over talks, and how good the key frames are."""
    from benchmarks.frames.films import compose, compose_deck

    _report_quality_of("films", [compose(seed, plan.quality_seconds) for seed in plan.seeds], plan, folder)
    _report_quality_of("talks", [compose_deck(seed, plan.quality_seconds // 2) for seed in plan.seeds], plan, folder)


def _report_quality_of(kind: str, films: Sequence[Film], plan: Plan, folder: Path) -> None:
    from benchmarks.frames.films import FPS, write
    from benchmarks.frames.measures import FrameQuality, Score, judge_frames, score_cuts
    from benchmarks.frames.rivals import READERS
    from shared.media.probe import probe
    from shared.media.video.extraction import extract_frames

    detectors = {name: do for name, do in methods().items() if name not in (WITH_SAMPLES, *READERS)}
    scores: dict[tuple[str, str], list[Score]] = {}
    quality: dict[str, FrameQuality] = {}
    for film in films:
        files = {title: folder / f"{kind}-{film.seed}-{n}.mp4" for n, title in enumerate(GOPS)}
        write(film, plan.quality_size, {files[title]: (*H264, *gop) for title, gop in GOPS.items()})
        for title, path in files.items():
            with tempfile.TemporaryDirectory() as out:
                result = extract_frames(path, probe(path), Path(out), samples=False, tick=lambda done: None)
                judged = judge_frames(film, path, Path(out), result)
            quality[title] = quality[title] + judged if title in quality else judged
            for name, detect in detectors.items():
                cuts = [shot.start for shot in result.shots[1:]] if name == OURS else detect(path)
                scores.setdefault((title, name), []).append(score_cuts(cuts, film.transitions))
    print(
        f"\nF1 to ± 2 frames over {len(films)} {kind} of {films[0].frames / FPS:.0f} s: all together (least – greatest)"
    )
    for (title, name), of in scores.items():
        total, ones = sum(of, Score(0, 0, 0)), [score.f1 for score in of]
        print(f"{title:16}{name:24}{total.f1:.3f} ({min(ones):.3f} – {max(ones):.3f})  {total}")
    for title, counts in quality.items():
        print(f"{title:16}{counts}")


def report_growth(plan: Plan, path: Path, folder: Path) -> None:
    """Print time and memory for the film and for several in a row, and for two videos at once."""
    from benchmarks.frames.films import RENDERER

    longer = folder / "longer.mp4"
    _run_ffmpeg(RENDERER, "-stream_loop", str(LONG_TIMES - 1), "-i", path, "-c", "copy", longer)
    one, many = alone(OURS, path), alone(OURS, longer)
    print(
        f"\n{LONG_TIMES} times as long: {many.wall / one.wall:.1f} times the time, {many.cpu / one.cpu:.1f} times the "
        f"processor time, peak {one.peak_mb:.0f} and {many.peak_mb:.0f} MB"
    )
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(alone, [OURS] * 2, [path] * 2))
    both = time.perf_counter() - start
    start = time.perf_counter()
    alone(OURS, path)
    print(f"two videos at once: {both / (time.perf_counter() - start):.2f} times the time of one")


def _run_ffmpeg(program: str, *options: str | Path) -> None:
    subprocess.run([program, "-nostdin", "-v", "error", "-y", *map(str, options)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer, smaller and shorter films")
    is_quick = parser.parse_args().quick
    plan = SMOKE if IS_SMOKE else QUICK if is_quick else FULL
    if not (find_spec("scenedetect") and find_spec("skimage")):
        skip("the rivals of benchmarks.frames are missing; run `uv sync --group bench`")
    with tempfile.TemporaryDirectory() as name:
        report_quality(plan, Path(name))
        report_growth(plan, report_speed(plan, Path(name)), Path(name))


if __name__ == "__main__":
    main()
