"""Child programs that end with this process, however it ends."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.runtimes.emulated.installation import EmulatorsUnavailable

GUARD = Path(__file__).with_name("guard.py")
POLL_SEC = 0.05
PORT_ATTEMPTS = 100
PORTS = range(10_000, 32_000)
"""Excludes the ephemeral ports, which a connection may take before the program listens."""


@contextmanager
def run_guarded(
    command: Sequence[str],
    log: Path,
    environ: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    again: bool = False,
    listener: socket.socket | None = None,
) -> Iterator[GuardedProcess]:
    """Run a program in its own process group, its output in `log`, until the context ends or this process dies.

    Args:
        folder: Its working directory; by default this process's.
        again: Whether to restart it after it is killed.
        listener: A listening socket. The program starts at its first connection and inherits it, as from systemd.
    """
    options = ["--again"] if again else []
    descriptors = []
    if listener:
        descriptors = [listener.fileno()]
        options += ["--listen", str(listener.fileno())]
    with log.open("wb") as output:
        guard = subprocess.Popen(
            [sys.executable, GUARD, *options, *command],
            pass_fds=descriptors,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environ is None else dict(environ),
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield GuardedProcess(guard, log)
    finally:
        guard.communicate()


class GuardedProcess:
    """A running program."""

    def __init__(self, guard: subprocess.Popen[bytes], log: Path) -> None:
        self._guard = guard
        self._log = log

    def request_stop(self) -> None:
        """Ask the program to end without waiting, so that several can end at the same time; its context waits."""
        if self._guard.stdin:
            self._guard.stdin.close()

    def wait_for_port(self, port: int, timeout_sec: float) -> None:
        """Wait until the program accepts connections on 127.0.0.1.

        Raises EmulatorsUnavailable, with the end of its log, if it exits or takes longer than `timeout_sec`.
        """
        deadline = time.monotonic() + timeout_sec
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            if self._guard.poll() is not None:
                raise EmulatorsUnavailable(f"it exited before it was ready; {self._log} ends with: {self._log_tail()}")
            if time.monotonic() > deadline:
                raise EmulatorsUnavailable(f"it was not ready after {timeout_sec:.0f} s; see {self._log}")
            time.sleep(POLL_SEC)

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-500:].strip()


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free at the moment; raises EmulatorsUnavailable if none is."""
    for port in random.SystemRandom().sample(PORTS, PORT_ATTEMPTS):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise EmulatorsUnavailable("no port of 127.0.0.1 is free; stop a program that listens on one")
