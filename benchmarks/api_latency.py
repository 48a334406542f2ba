"""How long the API takes to return a job, beside a FastAPI application that only signs the caller in.

    python -m benchmarks.api_latency [--jobs 1000]

Fifty clients, each with its own connection, request `GET /v1/jobs/{id}` again and again: in turns from Clipwise and
from the other application (`benchmarks._hello_service`), first alone and then while the jobs wait and run. Both verify
the same access token against the same accounts, and both are one process of uvicorn. With clients that never pause,
the time on the clock is mostly that of a queue, so the processor time of each request is printed too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.goals import Goal, Row
from benchmarks.load import send_job, sign_in, wait_for_job
from benchmarks.processes import own_cpu_seconds
from benchmarks.sizes import size
from tests.server import serving
from tests.video_samples import plain_video

CLIENTS = size(50, smoke=2)
REQUESTS = size(3000, smoke=6)
"""Requests of all clients in a round."""
ROUNDS = size(5, smoke=1)
JOBS = size(1000, smoke=2)
SENDERS = 8
HELLO = "FastAPI hello with the same sign-in"
RATE = "99999/second"
"""Counts requests, as by default, and stops none of these."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of the requests of a round, and processor milliseconds of the server for each."""

    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Target:
    url: str
    pid: int
    request: bytes


async def request_all(target: Target) -> list[float]:
    """Send REQUESTS requests over CLIENTS connections; return their seconds."""
    address = urlsplit(target.url)
    taken: list[float] = []

    async def client(count: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in range(count):
            start = time.perf_counter()
            writer.write(target.request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            taken.append(time.perf_counter() - start)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client(REQUESTS // CLIENTS) for _ in range(CLIENTS)))
    return taken


def measure_round(target: Target) -> Latency:
    cpu = own_cpu_seconds(target.pid)
    taken = sorted(asyncio.run(request_all(target)))
    cpu_ms = 1000 * (own_cpu_seconds(target.pid) - cpu) / len(taken)
    p50, p99 = (1000 * taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
    return Latency(p50, p99, cpu_ms)


@contextmanager
def hello_service(data: Path) -> Iterator[tuple[str, int]]:
    """Yield the address and the process of the other application, with the accounts of a data folder."""
    environ = os.environ | {"CLIPWISE_DATA": str(data), "AUTH_REQUIRED": "true"}
    command = [sys.executable, "-m", "benchmarks._hello_service"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.terminate()


def measure(jobs: int) -> Iterator[tuple[str, list[Latency], list[Latency]]]:
    """Yield the rounds of Clipwise and of the other application: alone, and while jobs run."""
    with tempfile.TemporaryDirectory() as name:
        clip = plain_video(Path(name) / "clip.mp4", seconds=1, width=160, height=120).read_bytes()
        with (
            serving(Path(name) / "data", AUTH_REQUIRED="true", RATE_LIMIT_GENERAL=RATE) as server,
            hello_service(server.data) as (url, pid),
            sign_in(server) as client,
        ):
            job_id = send_job(client, clip)
            wait_for_job(client, job_id)
            head = f"GET /v1/jobs/{job_id} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            request = f"{head}Authorization: {client.headers['Authorization']}\r\n\r\n".encode()
            targets = Target(server.url, server.pid, request), Target(url, pid, request)
            for target in targets:
                measure_round(target)
            yield "no jobs", *measure_rounds(targets)
            with ThreadPoolExecutor(SENDERS) as senders:
                list(senders.map(lambda _: send_job(client, clip), range(jobs)))
            yield f"{jobs:,} jobs", *measure_rounds(targets)


def measure_rounds(targets: tuple[Target, Target]) -> tuple[list[Latency], list[Latency]]:
    rounds = [(measure_round(targets[0]), measure_round(targets[1])) for _ in range(ROUNDS)]
    return [ours for ours, _ in rounds], [other for _, other in rounds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=JOBS)
    print(f"{CLIENTS} clients, {ROUNDS} rounds of {REQUESTS} requests; medians of the rounds")
    print("| meanwhile | service | p50 ms | p99 ms | processor ms |\n| --- | --- | --- | --- | --- |")
    for meanwhile, ours, hello in measure(parser.parse_args().jobs):
        figures = [
            [statistics.median(getattr(of, field) for of in each) for field in ("p50", "p99", "cpu")]
            for each in (ours, hello)
        ]
        for service, row in zip(("Clipwise", HELLO), figures, strict=True):
            print(f"| {meanwhile} | {service} | " + " | ".join(f"{figure:.2f}" for figure in row) + " |")
        ratios = (one / other if other else 0 for one, other in zip(*figures, strict=True))
        print(f"| {meanwhile} | ratio | " + " | ".join(f"{ratio:.2f} ×" for ratio in ratios) + " |", flush=True)


def rows() -> Iterator[Row]:
    for meanwhile, ours, hello in measure(JOBS):
        for field, limit in (("p50", 3), ("p99", 10)):
            values = [getattr(one, field) / getattr(other, field) for one, other in zip(ours, hello, strict=True)]
            medians = (statistics.median(getattr(of, field) for of in each) for each in (ours, hello))
            yield Row(
                f"`GET /v1/jobs/{{id}}`, {field} of {CLIENTS} clients, {meanwhile}",
                HELLO,
                " / ".join(f"{median:.1f}" for median in medians) + " ms",
                statistics.median(values),
                Goal("≤", limit),
                values,
            )


if __name__ == "__main__":
    main()
