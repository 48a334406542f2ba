"""How the embedded place's throughput grows with its cores, and what would limit it on a larger machine.

    python -m benchmarks.cores

A server gets one core, two, and so on, up to those of this machine, and JOBS short `metadata` jobs at once; clients
share its cores. The parts of a job then bound what N cores give: all processes together have N cores, but the server is
one process, whose interpreter uses one of them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import TICK, cpu_seconds
from benchmarks.sizes import size, skip
from tests.server import Server, serving
from tests.video_samples import plain_video

JOBS = size(60, smoke=2)
SENDERS = 20
LARGER = (4, 8, 16)
"""Numbers of cores for which the bound is printed, too."""


@dataclass(frozen=True)
class Throughput:
    """What a server did with its cores; processor time is for each job."""

    jobs_per_sec: float
    server_sec: float
    workers_sec: float

    def bound(self, cores: int) -> float:
        """Return how many jobs a second so many cores can give at most."""
        return min(cores / (self.server_sec + self.workers_sec), 1 / self.server_sec)


@contextmanager
def only_cores(cores: set[int]) -> Iterator[None]:
    """Restrict this process, and what it starts, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def own_seconds(pid: int) -> float:
    """Return the processor time of a process without those below it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def run_job(server: Server, video: Path) -> None:
    with server.client() as client, video.open("rb") as file:
        answer = client.post("/v1/jobs", files={"file": ("clip.mp4", file, "video/mp4")}, data={"kind": "metadata"})
    job = server.follow(answer.raise_for_status().json()["id"])
    assert job["status"] == "done", job["error"]


def measure(cores: set[int]) -> Throughput:
    with tempfile.TemporaryDirectory() as folder, only_cores(cores):
        video = plain_video(Path(folder) / "clip.mp4")
        with serving(Path(folder) / "data") as server, ThreadPoolExecutor(SENDERS) as senders:
            run_job(server, video)
            all_before, server_before, start = cpu_seconds(server.pid), own_seconds(server.pid), time.perf_counter()
            list(senders.map(lambda _: run_job(server, video), range(JOBS)))
            elapsed = time.perf_counter() - start
            server_sec = (own_seconds(server.pid) - server_before) / JOBS
            all_sec = (cpu_seconds(server.pid) - all_before) / JOBS
    # Clock ticks are too coarse for a few jobs.
    return Throughput(JOBS / elapsed, max(server_sec, 1 / TICK), max(all_sec - server_sec, 1 / TICK))


def main() -> None:
    if not hasattr(os, "sched_setaffinity"):
        skip("this system cannot restrict a process to some of its cores; run it on Linux")
    available = sorted(os.sched_getaffinity(0))
    print("| cores | jobs/s | server, s of a core per job | workers, s of a core per job | bound, jobs/s |")
    print("| --- | --- | --- | --- | --- |")
    for count in range(1, len(available) + 1):
        made = measure(set(available[:count]))
        parts = f"{made.server_sec:.3f} | {made.workers_sec:.3f}"
        print(f"| {count} | {made.jobs_per_sec:.1f} | {parts} | {made.bound(count):.1f} |", flush=True)
    for count in LARGER:
        if count > len(available):
            print(f"| {count} | – | – | – | {made.bound(count):.1f} |")


if __name__ == "__main__":
    main()
