"""What it costs the API to take jobs, as medians of one run: `python -m benchmarks.api_intake` (Linux)."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.sizes import size
from tests.server import UNLIMITED

MP4_HEAD = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
FILE_MB = size(95, smoke=1)
ROUNDS = size(5, smoke=1)
LINKS = size(200, smoke=4)
SERVER = """
import socket, uvicorn
from functions.api.app import create_app
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(create_app(), log_level="warning")).run(sockets=[listener])
"""


@contextmanager
def api(folder: Path) -> Iterator[tuple[httpx.Client, int]]:
    """A client of an API without workers, and the process's id."""
    own = {"CLIPWISE_DATA": str(folder / "data"), "AUTH_REQUIRED": "false", "TMPDIR": str(folder)}
    environ = os.environ | own | UNLIMITED
    process = subprocess.Popen([sys.executable, "-c", SERVER], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        with process.stdout, httpx.Client(base_url=f"http://127.0.0.1:{process.stdout.readline().strip()}") as client:
            client.timeout = httpx.Timeout(120)
            yield client, process.pid
    finally:
        process.terminate()
        process.wait()


def peak_mb(pid: int) -> float:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1000


def send(client: httpx.Client, path: Path) -> float:
    """Seconds until the job is accepted and its bytes are durable."""
    start = time.perf_counter()
    with path.open("rb") as file:
        answer = client.post("/v1/jobs", files={"file": ("a.mp4", file)}, data={"kind": "metadata"})
    assert answer.status_code == 202, answer.text
    return time.perf_counter() - start


def uploads(folder: Path, client: httpx.Client, pid: int) -> None:
    small, large = folder / "small.mp4", folder / "large.mp4"
    small.write_bytes(MP4_HEAD + bytes(100_000))
    large.write_bytes(MP4_HEAD + bytes(FILE_MB * 1_000_000))
    for _ in range(ROUNDS):
        send(client, small)
    before = peak_mb(pid)
    taken = statistics.median(send(client, large) for _ in range(ROUNDS))
    grown = peak_mb(pid) - before
    print(f"a form of {FILE_MB} MB: {taken:.2f} s; peak memory {before:.0f} MB before, {grown:+.1f} MB with it")


def links(client: httpx.Client) -> None:
    def submit(number: int) -> None:
        body = {"url": f"https://example.com/{number}.mp4", "kind": "metadata"}
        assert client.post("/v1/jobs", json=body).status_code == 202

    submit(LINKS)
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(submit, range(LINKS)))
    print(f"links: {LINKS / (time.perf_counter() - start):.0f} jobs/s accepted, from 8 clients")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, api(Path(name)) as (client, pid):
        uploads(Path(name), client, pid)
        links(client)


if __name__ == "__main__":
    main()
