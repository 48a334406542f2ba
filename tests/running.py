"""A real `clipwise up` in a process of its own, for tests that stop it, kill it or send it jobs over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx


class Server:
    """Serves `data` on a free loopback port; started again it has the same data and another port."""

    def __init__(self, data: Path, *options: str, **environ: str) -> None:
        self.data = data
        self._options = options
        self._environ = environ
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli.main", "up", "--port", "0", "--data", str(self.data), *self._options],
            env=os.environ | self._environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "http://" in line, f"no ready line but {line!r}"
        self.url = next(word for word in line.split() if word.startswith("http://")).rstrip(".,")

    def kill(self) -> None:
        """SIGKILL, without any warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(30)
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)

    def submit(self, video: Path, kind: str = "metadata") -> str:
        with self.client() as client, video.open("rb") as file:
            answer = client.post("/v1/jobs", files={"file": (video.name, file, "video/mp4")}, data={"kind": kind})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        with self.client() as client:
            answer = client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def jobs(self) -> list[dict[str, Any]]:
        with self.client() as client:
            found: list[dict[str, Any]] = client.get("/v1/jobs", params={"limit": 100}).json()["jobs"]
        return found

    def follow(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """The job when it has ended, by its event stream; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        with self.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
            for line in events.iter_lines():
                assert time.monotonic() < deadline, f"job {job_id} did not end"
                if line.startswith("data:") and '"endedAt":null' not in line.replace(" ", ""):
                    break
        return self.job(job_id)


@contextmanager
def serving(data: Path, *options: str, **environ: str) -> Iterator[Server]:
    server = Server(data, *options, **environ)
    server.start()
    try:
        yield server
    finally:
        server.stop()
