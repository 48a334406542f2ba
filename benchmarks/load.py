"""How the embedded place bears a long queue and a long run.

    python -m benchmarks.load [QUEUED] [SOAK]

QUEUED jobs of one user wait at once: how long the API takes meanwhile, against the idle server, and how long a second
user waits who comes after them. Then SOAK jobs run, a few at a time, and every hundred the server's processes are
weighed. Memory that grows with the number of jobs is a leak. The clip has 1 s of 160 × 120, so the pipeline is
measured and not the decoder.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks.processes import ProcessUse, process_uses
from benchmarks.sizes import size
from tests.server import Server, serving
from tests.video_samples import plain_video

REQUESTS = size(200, smoke=2)
SECOND_USERS_JOBS = size(10, smoke=1)
AT_ONCE = 6
SAMPLE_EVERY = size(100, smoke=1)
QUEUED, SOAK = size((200, 200), smoke=(1, 1))


@contextmanager
def sign_in(server: Server) -> Iterator[httpx.Client]:
    """A client of a new user."""
    with httpx.Client(base_url=server.url, timeout=120) as client:
        session = client.post("/v1/auth/anonymous").raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        yield client


def send_job(client: httpx.Client, clip: bytes) -> str:
    files, form = {"file": ("clip.mp4", clip, "video/mp4")}, {"kind": "metadata"}
    return str(client.post("/v1/jobs", files=files, data=form).raise_for_status().json()["id"])


def wait_for_job(client: httpx.Client, job_id: str) -> dict[str, str]:
    while True:
        job: dict[str, str] = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
        if job["endedAt"]:
            assert job["status"] == "done", job
            return job
        time.sleep(0.2)


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = (1000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return f"{p50:.0f} | {p99:.0f}"


def measure_api(client: httpx.Client, clip: bytes, *, drain: bool) -> None:
    """Print the latency of reading and of creating jobs; `drain` waits for each job, so that the server stays idle."""
    reads, writes = [], []
    for _ in range(REQUESTS):
        start = time.perf_counter()
        job_id = send_job(client, clip)
        writes.append(time.perf_counter() - start)
        if drain:
            wait_for_job(client, job_id)
        start = time.perf_counter()
        client.get(f"/v1/jobs/{job_id}").raise_for_status()
        reads.append(time.perf_counter() - start)
    state = "idle" if drain else "with the queue"
    print(f"| {state} | {percentiles(reads)} | {percentiles(writes)} | {os.getloadavg()[0]:.1f} |", flush=True)


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def measure_queue(server: Server, clip: bytes, count: int) -> None:
    with sign_in(server) as first, sign_in(server) as second:
        print("| server | GET p50 ms | p99 | POST p50 ms | p99 | load average |")
        print("| --- | --- | --- | --- | --- | --- |")
        measure_api(first, clip, drain=True)
        start = time.perf_counter()
        with ThreadPoolExecutor(8) as senders:
            first_ids = list(senders.map(lambda _: send_job(first, clip), range(count)))
        sent = time.perf_counter() - start
        second_ids = [send_job(second, clip) for _ in range(SECOND_USERS_JOBS)]
        measure_api(first, clip, drain=False)
        second_jobs = [wait_for_job(second, job_id) for job_id in second_ids]
        first_jobs = [wait_for_job(first, job_id) for job_id in first_ids]
        last = max(job["endedAt"] for job in first_jobs)
        whole = seconds_between(min(job["createdAt"] for job in first_jobs), last)
        waits = [seconds_between(job["createdAt"], job["endedAt"]) for job in second_jobs]
        print(f"{count} jobs accepted in {sent:.0f} s and done {whole:.0f} s after the first was sent")
        print(
            f"a second user's {len(waits)} jobs, sent after them, were done "
            f"after {min(waits):.0f} to {max(waits):.0f} s"
        )


def measure_soak(server: Server, clip: bytes, count: int) -> None:
    print("| jobs | RSS of all, MB | by process, MB | threads | descriptors | database MB | WAL MB | jobs/s | load |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")

    def run(client: httpx.Client) -> None:
        wait_for_job(client, send_job(client, clip))

    for done in range(0, count, SAMPLE_EVERY):
        start = time.perf_counter()
        with sign_in(server) as client, ThreadPoolExecutor(AT_ONCE) as senders:
            for _ in senders.map(lambda _, user=client: run(user), range(SAMPLE_EVERY)):
                pass
        took = time.perf_counter() - start
        uses = list(process_uses(server.pid))
        print(
            f"| {done + SAMPLE_EVERY} | {sum(use.rss_mb for use in uses):.0f} | {by_process(uses)} "
            f"| {sum(use.threads for use in uses)} | {sum(use.descriptors for use in uses)} "
            f"| {megabytes(server.data, 'clipwise.db'):.1f} | {megabytes(server.data, 'clipwise.db-wal'):.1f} "
            f"| {SAMPLE_EVERY / took:.1f} | {os.getloadavg()[0]:.1f} |",
            flush=True,
        )


def by_process(uses: list[ProcessUse]) -> str:
    return ", ".join(f"{use.name} {use.rss_mb:.0f}" for use in uses)


def megabytes(folder: Path, name: str) -> float:
    return (folder / name).stat().st_size / 1e6


def arguments() -> Iterator[int]:
    yield from map(int, sys.argv[1:])
    yield from (QUEUED, SOAK)[len(sys.argv) - 1 :]


def main() -> None:
    queued, soak = arguments()
    with tempfile.TemporaryDirectory() as folder:
        clip = plain_video(Path(folder) / "clip.mp4", seconds=1, width=160, height=120).read_bytes()
        with serving(Path(folder) / "data", AUTH_REQUIRED="true") as server:
            if queued:
                measure_queue(server, clip, queued)
            if soak:
                measure_soak(server, clip, soak)


if __name__ == "__main__":
    main()
