"""Starts workers by `fork`, from a process that has loaded their modules and does nothing else.

So a worker is there within milliseconds and shares the memory of its code with the others. The process has no threads,
no database and no native media library: none of them survives `fork`, and a broken library must not end it.

It reads the names of workers to start, one JSON string a line. It writes a line `{"worker", "pid"}` for each start, and
`{"worker", "pid", "code"}` for each end, where -N is signal N. It ends, with its workers, when its parent does.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from infra.runtimes.embedded.workers import POOLS, pool_functions, run_worker
from shared.logs import PlainFormatter, configure_logging

log = logging.getLogger(__name__)
READ_BYTES = 1 << 16
SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)


class ForkServer:
    """The process as its parent uses it.

    Attributes:
        messages: What it says, one after another; ends when the process has ended.
    """

    def __init__(self, temporary: Path) -> None:
        """`temporary`: where workers keep files, which is their TMPDIR."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                # Closes with this process, however it ends: workers inherit the other end.
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=os.environ | {"TMPDIR": str(temporary)},
                start_new_session=True,
            )
        self._socket = ours
        self.messages: Iterator[dict[str, Any]] = map(json.loads, ours.makefile("rb"))

    def start(self, name: str) -> None:
        """Request a worker. Raises OSError if the process has ended."""
        self._socket.sendall(json.dumps(name).encode() + b"\n")

    def end(self) -> None:
        """End the process, and so its workers, and wait for it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        self._process.wait()
        self._socket.close()
        if self._process.stdin:
            self._process.stdin.close()


def end_group(process_id: int) -> None:
    """Kill a worker and the programs that it started."""
    for kill in (os.killpg, os.kill):
        # Before a worker has its own group, there is only the process.
        with suppress(ProcessLookupError, PermissionError):
            kill(process_id, signal.SIGKILL)


def main(descriptor: int) -> None:
    """Start workers until the parent closes its end of the socket."""
    configure_logging(PlainFormatter(), logging.INFO)
    with socket.socket(fileno=descriptor) as requests:
        requests.set_inheritable(False)
        wakeups, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        for number in SIGNALS:
            # Handled, not ignored: workers would inherit an ignored signal.
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        load_modules()
        _serve(requests, wakeups)


def load_modules() -> None:
    """Load what workers run. Heavy and native libraries are imported by the functions that use them."""
    for pool in POOLS:
        for row in pool_functions(pool):
            importlib.import_module(f"functions.{row.name}.main")
    # Untouched by the collector, the pages of these objects stay shared with the workers.
    gc.collect()
    gc.freeze()


def _serve(requests: socket.socket, wakeups: int) -> None:
    workers: dict[int, str] = {}
    pending = b""
    while True:
        readable = select.select([requests.fileno(), wakeups], [], [])[0]
        if wakeups in readable:
            os.read(wakeups, READ_BYTES)
        for process_id, code in _ended_children():
            # Programs that the worker started would go on without it.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process_id, signal.SIGKILL)
            _send(requests, {"worker": workers.pop(process_id), "pid": process_id, "code": code})
        if requests.fileno() in readable:
            data = requests.recv(READ_BYTES)
            if not data:
                break
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                name = str(json.loads(line))
                process_id = os.fork()
                if process_id == 0:
                    _run_child(name, requests)
                workers[process_id] = name
                _send(requests, {"worker": name, "pid": process_id})
    for process_id in workers:
        end_group(process_id)


def _run_child(name: str, requests: socket.socket) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        requests.close()
        os.setsid()
        faulthandler.enable()
        run_worker(name)
        code = 0
    except BaseException:
        log.exception("the worker %s failed", name)
    finally:
        logging.shutdown()
        # Nothing of the process that forked is to be repeated at an exit.
        os._exit(code)


def _ended_children() -> Iterator[tuple[int, int]]:
    while True:
        try:
            process_id, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process_id == 0:
            return
        yield process_id, os.waitstatus_to_exitcode(status)


def _send(requests: socket.socket, message: dict[str, Any]) -> None:
    # Where the parent has ended, the next read says so.
    with suppress(OSError):
        requests.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
