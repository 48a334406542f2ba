"""How fast short jobs pass through the pipeline, beside the earlier metadata service and on the emulators.

    python -m benchmarks.jobs [--quick]

A `metadata` job of a 4 s clip of 320 × 240, from before the file is sent until its result is read: alone, and forty at
once. `benchmarks.celery_rival` takes turns with the embedded place, job by job and round by round, so that whatever
else the machine does slows both. Seconds are medians; those of a core are of all processes of a service, per job.
Clipwise also finds shots and key frames, and a job that it has accepted survives a power cut; the other service makes a
thumbnail and a duration, and keeps its queue in memory. `--quick` takes seconds and leaves the emulators out.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.celery_rival import ADVICE, CeleryService, celery_service, find_program, missing_parts
from benchmarks.processes import cpu_seconds
from tests.server import Server, serving, shows_end
from tests.video_samples import plain_video

ROUNDS = 5
ALONE = 5
"""Jobs alone in each round."""
AT_ONCE = 40
BUSY_POLL_SEC = 0.1
"""Pause of forty clients of the rival: they ask as often as it pays them, and leave it the processor."""


@dataclass
class Service:
    """A service under measurement, with its figures of each round.

    Attributes:
        run: Does one job with a client; the flag says whether others run at the same time.
        pids: Processes whose processor time counts, with all below them.
    """

    name: str
    url: str
    pids: Sequence[int]
    run: Callable[[httpx.Client, bool], object]
    alone_sec: list[float] = field(default_factory=list)
    alone_cpu_sec: list[float] = field(default_factory=list)
    jobs_per_sec: list[float] = field(default_factory=list)
    at_once_cpu_sec: list[float] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.pids))


def clipwise(name: str, server: Server, video: bytes) -> Service:
    """Clipwise, whose clients follow a job's event stream."""

    def run(client: httpx.Client, _: bool) -> None:
        form, files = {"kind": "metadata"}, {"file": ("clip.mp4", video, "video/mp4")}
        id = client.post("/v1/jobs", files=files, data=form).raise_for_status().json()["id"]
        with client.stream("GET", f"/v1/jobs/{id}/events") as events:
            next(filter(shows_end, events.iter_lines()))
        job = client.get(f"/v1/jobs/{id}").raise_for_status().json()
        assert job["status"] == "done", job["error"]

    return Service(name, server.url, [server.pid], run)


def earlier(service: CeleryService, video: bytes) -> Service:
    """The earlier service, whose clients ask for the status again and again."""

    def run(client: httpx.Client, is_busy: bool) -> None:
        service.run_job(client, video, *([BUSY_POLL_SEC] if is_busy else []))

    return Service("earlier service", service.url, service.pids, run)


def measure_alone(services: Sequence[Service], jobs: int) -> None:
    """Run jobs one by one, the services in turn."""
    for service in services * jobs:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            cpu_before, start = service.cpu_seconds(), time.perf_counter()
            service.run(client, False)
            service.alone_sec.append(time.perf_counter() - start)
            service.alone_cpu_sec.append(service.cpu_seconds() - cpu_before)


def measure_at_once(service: Service, jobs: int) -> None:
    def run(_: int) -> None:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            service.run(client, True)

    cpu_before, start = service.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(jobs) as senders:
        list(senders.map(run, range(jobs)))
    service.jobs_per_sec.append(jobs / (time.perf_counter() - start))
    service.at_once_cpu_sec.append((service.cpu_seconds() - cpu_before) / jobs)


def measure(services: Sequence[Service], rounds: int, at_once: int) -> None:
    for service in services:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            service.run(client, False)
    for _ in range(rounds):
        measure_alone(services, ALONE)
        for service in services:
            measure_at_once(service, at_once)


def print_table(services: Sequence[Service], at_once: int) -> None:
    print(f"| service | alone, s | of a core, s | {at_once} at once, jobs/s | of a core, s |")
    print("| --- | --- | --- | --- | --- |")
    rows = [
        [
            statistics.median(figures)
            for figures in (of.alone_sec, of.alone_cpu_sec, of.jobs_per_sec, of.at_once_cpu_sec)
        ]
        for of in services
    ]
    for service, row in zip(services, rows, strict=True):
        print(f"| {service.name} | " + " | ".join(f"{figure:.3f}" for figure in row) + " |")
    for service, row in zip(services[1:], rows[1:], strict=True):
        ratios = [first / other for first, other in zip(rows[0], row, strict=True)]
        print(f"| {services[0].name} ÷ {service.name} | " + " | ".join(f"{ratio:.2f} ×" for ratio in ratios) + " |")
    print(flush=True)


def main(*, quick: bool) -> None:
    rounds, at_once = (1, 4) if quick else (ROUNDS, AT_ONCE)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        video = plain_video(folder / "clip.mp4").read_bytes()
        with ExitStack() as running:
            services = [clipwise("embedded", running.enter_context(serving(folder / "embedded")), video)]
            if missing := missing_parts():
                print(f"Without the earlier service: {', '.join(missing)} missing. {ADVICE}")
            else:
                print(f"The earlier service runs {find_program('ffprobe')} and {find_program('ffmpeg')}.")
                services.append(earlier(running.enter_context(celery_service(folder / "earlier")), video))
            measure(services, rounds, at_once)
            print_table(services, at_once)
        if quick:
            return
        with ExitStack() as running:
            embedded = clipwise("embedded", running.enter_context(serving(folder / "again")), video)
            server = running.enter_context(serving(folder / "emulated", "--emulators"))
            services = [clipwise("emulated", server, video), embedded]
            measure(services, rounds, at_once)
            print_table(services, at_once)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
