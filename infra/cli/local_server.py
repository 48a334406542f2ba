"""Runs an embedded server as a child process, and finds errors in its log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SEC = 300
STOP_SEC = 60
RECORD = re.compile(r"^\d{4}-\d\d-\d\dT\S+Z (?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b)", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"


class ServerStartError(Exception):
    """The server exited or timed out before it was ready; the message is its last output."""


@contextmanager
def run_embedded_server(data: Path, log: Path) -> Iterator[str]:
    """Serve `data` on a free loopback port; yields the URL once the server is ready.

    The server's log goes to the file `log`. It is stopped however the block ends. Raises ServerStartError.
    """
    # In its own session, Ctrl-C does not reach it, and we stop it in good order. -P keeps the current folder, which may
    # hold anything, off the module search path.
    command = [sys.executable, "-P", "-m", "infra.cli.main", "up", "--port", "0", "--data", str(data)]
    environ = {name: value for name, value in os.environ.items() if name != "PUBLIC_URL"} | {"AUTH_REQUIRED": "false"}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environ, text=True, start_new_session=True
        ) as process,
    ):
        try:
            yield _read_url(process, log)
        finally:
            _stop_process(process)


def _read_url(process: subprocess.Popen[str], log: Path) -> str:
    """Return the URL at the end of the server's ready line."""
    assert process.stdout  # noqa: S101 (it is a pipe)
    kill_timer = threading.Timer(START_SEC, process.kill)
    kill_timer.start()
    try:
        line = process.stdout.readline()
    finally:
        kill_timer.cancel()
    if not line:
        output = log.read_text(errors="replace").strip().splitlines()
        raise ServerStartError(output[-1] if output else f"the server was not ready within {START_SEC} seconds")
    return line.split()[-1]


def _stop_process(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SEC)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        # The process group contains its workers.
        os.killpg(process.pid, signal.SIGKILL)
        raise


def last_error(log: Path) -> str | None:
    """Return the last error record without its time and with only the exception of its traceback, or None."""
    records = RECORD.split(log.read_text(errors="replace"))
    errors = [record for record in records if record.startswith(("ERROR", "CRITICAL"))]
    if not errors:
        return None
    message, *details = errors[-1].strip().split(TRACEBACK)
    raised = next((line for line in details[-1].splitlines() if line and not line[0].isspace()), "") if details else ""
    return f"{message.strip()}\n{raised}".strip()
