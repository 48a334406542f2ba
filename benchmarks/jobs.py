"""How fast short jobs pass through the pipeline, beside the earlier metadata service and on the emulators.

    python -m benchmarks.jobs

A `metadata` job of a 4 s clip of 320 × 240, from before the file is sent until its result is read: alone, and forty at
once. `benchmarks.celery_rival` takes turns with the embedded place, job by job and round by round, so that whatever
else the machine does slows both. Seconds are medians; those of a core are of all processes of a service, per job.
Clipwise also finds shots and key frames, and a job that it has accepted survives a power cut; the other service makes a
thumbnail and a duration, and keeps its queue in memory. Its ffmpeg is the machine's, as in the earlier system's image,
or else a static one, which starts twenty times as fast.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.celery_rival import ADVICE, CeleryService, celery_service, ffmpeg_version, missing_parts
from benchmarks.goals import Goal, Row
from benchmarks.processes import cpu_seconds
from benchmarks.sizes import IS_SMOKE, size
from tests.server import Server, serving, shows_end
from tests.video_samples import plain_video

ROUNDS = size(5, smoke=1)
ALONE = size(5, smoke=1)
"""Jobs alone in each round."""
AT_ONCE = size(40, smoke=2)
ROW_ROUNDS = size(3, smoke=1)
RECORD = "short-jobs.md"
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

    return Service(f"earlier service, {ffmpeg_version()}", service.url, service.pids, run)


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


def measure(services: Sequence[Service], rounds: int) -> None:
    for service in services:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            service.run(client, False)
    for _ in range(rounds):
        measure_alone(services, ALONE)
        for service in services:
            measure_at_once(service, AT_ONCE)


def print_table(services: Sequence[Service]) -> None:
    print(f"| service | alone, s | of a core, s | {AT_ONCE} at once, jobs/s | of a core, s |")
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


@contextmanager
def beside_earlier() -> Iterator[list[Service]]:
    """Yield the embedded place and, where it can run, the earlier service."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        video = plain_video(folder / "clip.mp4").read_bytes()
        services = [clipwise("embedded", running.enter_context(serving(folder / "embedded")), video)]
        if missing := missing_parts():
            print(f"skipped: the earlier service, without {', '.join(missing)}. {ADVICE}", file=sys.stderr)
        else:
            services.append(earlier(running.enter_context(celery_service(folder / "earlier")), video))
        yield services


@contextmanager
def beside_embedded() -> Iterator[list[Service]]:
    """Yield the emulated place and the embedded one."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        video = plain_video(folder / "clip.mp4").read_bytes()
        server = running.enter_context(serving(folder / "emulated", "--emulators"))
        embedded = running.enter_context(serving(folder / "embedded"))
        yield [clipwise("emulated", server, video), clipwise("embedded", embedded, video)]


def main() -> None:
    for services_of in (beside_earlier, *size((beside_embedded,), smoke=())):
        with services_of() as services:
            measure(services, ROUNDS)
            print_table(services)


def rows() -> Iterator[Row]:
    with beside_earlier() as services:
        measure(services, ROW_ROUNDS)
        alone, at_once = "a `metadata` job alone, POST to done", f"{AT_ONCE} of them at once"
        yield compare(alone, "s", Goal("≤", 0.9), services, "alone_sec", RECORD)
        yield compare(at_once, "jobs/s", Goal("≥", 1.5), services, "jobs_per_sec", RECORD)
    if not IS_SMOKE:
        with beside_embedded() as services:
            measure(services, ROW_ROUNDS)
            goal, record = Goal("≥", 0.8), "emulated-throughput.md"
            yield compare(f"emulated: {AT_ONCE} `metadata` jobs", "jobs/s", goal, services, "jobs_per_sec", record)


def compare(work: str, unit: str, goal: Goal, services: Sequence[Service], figure: str, record: str = "") -> Row:
    """Return the row of the first service's figures beside those of the second, if there is one."""
    ours, *others = (getattr(service, figure) for service in services)
    ratios = [one / other for one, other in zip(ours, others[0], strict=True)] if others else []
    medians = " / ".join(f"{statistics.median(figures):.2f}" for figures in (ours, *others))
    value = statistics.median(ratios) if ratios else None
    return Row(work, services[1].name if others else "", f"{medians} {unit}", value, goal, ratios, record)


if __name__ == "__main__":
    main()
