"""What taking speech out of a recording costs, 10 minutes against 2 hours: `python -m benchmarks.speech` (Linux).

The recording is an MP3 of speech-like syllables with pauses at known places. Its sound is taken out and measured, and
cut into the parts that are listened to. Every run has a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.sizes import size
from tests.media_samples import ffmpeg
from tests.sound_samples import sound, speech

SHORT_SEC, LONG_SEC = size((600, 7200), smoke=(60, 60))
ROUNDS = size(3, smoke=1)
VERSE_SEC = 60
SPOKEN = [(0.5, 14), (14.6, 27), (29, 47), (47.8, 58.5)]
PAUSES_A_VERSE = 4  # and one before the first
TOLERANCE_SEC = 0.15


@dataclass(frozen=True)
class Measured:
    """Seconds on the clock, the most memory that this process and its ffmpeg ever had, and what came out."""

    extracting: float
    splitting: float
    own_mb: float
    ffmpeg_mb: float
    parts: int
    largest_mb: float
    cuts_in_pauses: bool
    pauses: int


def make(folder: Path, seconds: int) -> Path:
    verse = sound(folder / "verse.wav", speech(SPOKEN, VERSE_SEC, noise_db=-60))
    verses = ("-stream_loop", str(seconds // VERSE_SEC - 1), "-i", verse)
    return ffmpeg(folder / f"{seconds}.mp3", *verses, "-ac", "2", "-b:a", "64k")


def measure(path: Path) -> Measured:
    from shared.media.audio.extraction import extract_audio
    from shared.media.audio.parts import split_audio
    from shared.media.probe import probe

    peaks = [0.0]
    info = probe(path)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        begin = time.perf_counter()
        taken = extract_audio(path, out / "audio.flac", info, lambda done: peaks.extend(map(peak_mb, children())))
        assert taken is not None
        track, silences = taken
        between = time.perf_counter()
        parts = split_audio(out / track.name, silences, track.duration_sec, out, lambda done: None)
        end = time.perf_counter()
        return Measured(
            extracting=between - begin,
            splitting=end - between,
            own_mb=peak_mb("self"),
            ffmpeg_mb=max(peaks),
            parts=len(parts),
            largest_mb=max((out / part.name).stat().st_size for part in parts) / 1e6,
            cuts_in_pauses=all(in_pause(part.end) for part in parts),
            pauses=len(silences),
        )


def in_pause(time: float) -> bool:
    at = time % VERSE_SEC
    return not any(start + TOLERANCE_SEC < at < end - TOLERANCE_SEC for start, end in SPOKEN)


def children() -> list[str]:
    return [pid for told in Path("/proc/self/task").glob("*/children") for pid in told.read_text().split()]


def peak_mb(pid: str) -> float:
    """0 when the process is over."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def alone(path: Path) -> Measured:
    """`measure` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, path).result()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        files = {seconds: make(Path(name), seconds) for seconds in (SHORT_SEC, LONG_SEC)}
        runs: dict[int, list[Measured]] = {seconds: [] for seconds in files}
        for _ in range(ROUNDS):
            for seconds, path in files.items():
                runs[seconds].append(alone(path))
    middle = {
        seconds: {
            what: statistics.median(float(getattr(run, what)) for run in results)
            for what in ("extracting", "splitting", "own_mb", "ffmpeg_mb")
        }
        for seconds, results in runs.items()
    }
    for seconds, of in middle.items():
        run = runs[seconds][0]
        print(
            f"{seconds // 60:3} min: sound and measures {of['extracting']:.2f} s, parts {of['splitting']:.2f} s; "
            f"peak memory {of['own_mb']:.0f} MB, ffmpeg's {of['ffmpeg_mb']:.0f} MB; "
            f"{run.parts} parts, the largest {run.largest_mb:.1f} MB, "
            f"{'all' if run.cuts_in_pauses else 'not all'} cut in pauses; "
            f"{run.pauses} pauses found of {seconds // VERSE_SEC * PAUSES_A_VERSE + 1}"
        )
    ratio = {what: middle[LONG_SEC][what] / middle[SHORT_SEC][what] for what in middle[LONG_SEC]}
    print(
        f"{LONG_SEC // SHORT_SEC} times the length: {ratio['extracting']:.1f} times the time for sound and measures, "
        f"{ratio['splitting']:.1f} for parts; {ratio['own_mb']:.2f} times the memory, ffmpeg {ratio['ffmpeg_mb']:.2f}"
    )


if __name__ == "__main__":
    main()
