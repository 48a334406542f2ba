"""A real `clipwise up` in a process of its own, for tests that stop it, kill it or send it jobs over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.patience import PATIENCE_SEC

POLL_SEC = 0.05
SHOWN_CHARACTERS = 4000
# Starts a program as a script's `nohup … &` does, which has it ignore these signals.
IN_BACKGROUND = ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"]
# As in a company whose proxy reaches other companies, not this machine: nothing here may be asked for through it.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
BEHIND_PROXY = {
    **dict.fromkeys([*PROXIES, *map(str.lower, PROXIES)], "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
}
CLIPWISE = [sys.executable, "-m", "infra.cli.main"]
# Tests send in a second what nobody sends in a minute. Those of the limits set their own.
UNLIMITED = {f"RATE_LIMIT_{what}": "off" for what in ("GENERAL", "KEY", "START", "RETRY", "CHAT", "BATCH")}
T = TypeVar("T")


def eventually(found: Callable[[], T], pause: float = POLL_SEC) -> T:
    """What `found` gives as soon as that is true."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not (result := found()):
        assert time.monotonic() < deadline, f"still {result!r} after {PATIENCE_SEC:.0f} s"
        time.sleep(pause)
    return result


def shows_end(line: str) -> bool:
    """Whether a line of a job's event stream shows that the job has ended."""
    return line.startswith("data:") and '"endedAt":null' not in line.replace(" ", "")


class Api:
    """A running API, for tests that speak to it over HTTP."""

    def __init__(self, url: str = "") -> None:
        self.url = url

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE_SEC)

    def submit(self, video: Path, kind: str = "metadata") -> str:
        with self.client() as client, video.open("rb") as file:
            answer = client.post("/v1/jobs", files={"file": (video.name, file, "video/mp4")}, data={"kind": kind})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def submit_link(self, url: str, kind: str = "metadata") -> str:
        with self.client() as client:
            answer = client.post("/v1/jobs", json={"url": url, "kind": kind})
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

    def follow(self, job_id: str) -> dict[str, Any]:
        """The job when it has ended, by its event stream."""
        deadline = time.monotonic() + PATIENCE_SEC
        with self.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
            for line in events.iter_lines():
                assert time.monotonic() < deadline, f"job {job_id} did not end"
                if shows_end(line):
                    break
        return self.job(job_id)


class Server(Api):
    """Serves `data` on a free loopback port; started again it has the same data and another port.

    What it says goes to a file beside `data`.
    """

    def __init__(self, data: Path, *options: str, **environ: str) -> None:
        super().__init__()
        self.data = data
        self._log = data.with_name(f"{data.name}.log")
        self._options = options
        self._environ = environ
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*IN_BACKGROUND, *CLIPWISE, "up", "--port", "0", "--data", str(self.data), *self._options],
                # Keys that lie about on a developer's machine are not spent by tests.
                env=os.environ | BEHIND_PROXY | {"AI_PROVIDER": "offline"} | UNLIMITED | self._environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "http://" in line, f"no ready line but {line!r}; {self._log.read_text()[-2000:]}"
        self.url = next(word for word in line.split() if word.startswith("http://")).rstrip(".,")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, without any warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        code = self._end(signal.SIGINT)
        assert code in (None, 0), f"exit code {code}; {self._log.read_text()[-2000:]}"

    def _end(self, how: signal.Signals) -> int | None:
        """The exit code; None where it does not run."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.send_signal(how)
        code = process.wait(PATIENCE_SEC)
        if process.stdout:
            process.stdout.close()
        return code

    def logs(self) -> dict[str, str]:
        """All that it and the programs it started have said so far, by the file's name."""
        files = [self._log, *self.data.rglob("*.log")]
        return {file.name: file.read_text(encoding="utf-8", errors="replace") for file in files}

    def incidents(self) -> list[str]:
        """What its logs say of unexpected errors, each after the file's name."""
        return [
            f"{name}: {text[found.start() : found.start() + SHOWN_CHARACTERS]}".replace("\\n", "\n")
            for name, text in self.logs().items()
            for found in re.finditer(r'"?incident(": "|=)[0-9a-f]{8}', text)
        ]


SERVING: list[Server] = []
"""What `serving` has not stopped yet."""


@contextmanager
def serving(data: Path, *options: str, **environ: str) -> Iterator[Server]:
    server = Server(data, *options, **environ)
    server.start()
    SERVING.append(server)
    try:
        yield server
    finally:
        SERVING.remove(server)
        server.stop()


def kill_function(server_pid: int, name: str) -> int:
    """SIGKILL to the processes that serve a function for this server; how many there were."""
    killed = 0
    for pid in descendants(server_pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"--again" not in words and b"--target" in words and words[words.index(b"--target") + 1] == name.encode():
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def descendants(pid: int) -> list[int]:
    """Processes below this one; threads and processes may end while they are looked for."""
    children: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                children += map(int, (task / "children").read_text().split())
    return [*children, *(each for child in children for each in descendants(child))]
