"""Runs a program until it ends, or until our standard input closes, as it does however our parent ends.

Started as a file, without importing the project:

    python guard.py [--again] [--listen DESCRIPTOR] PROGRAM [ARGUMENT …]

With `--again`, a program that was killed is restarted; one that exited is not.
With `--listen`, the program starts when somebody first connects to that listening socket, which it inherits as it would
from systemd: https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress

STOP_SEC = 5.0
PAUSE_SEC = 1.0
STDIN = 0
LISTEN_FD = 3
"""Where a program expects the first socket that it inherits."""
WITH_SOCKET = ("sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh")


class ProcessGuard:
    def __init__(self, command: list[str], descriptor: int | None) -> None:
        self._command = command
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._program: subprocess.Popen[bytes] | None = None

    def run(self, again: bool) -> int:
        """Return the exit code of the last program; 0 if none was needed."""
        code = 0
        while self._is_needed():
            with self._lock:
                if self._stop_event.is_set():
                    break
                program = self._program = self._start()
            code = program.wait()
            if code >= 0 or not again:
                break
            # Its children hold its port.
            self._signal_group(signal.SIGKILL)
            self._stop_event.wait(PAUSE_SEC)
        return code

    def stop_at_end_of_input(self) -> None:
        # Not sys.stdin: a lock held by a reading thread is a fatal error when the interpreter exits.
        while os.read(STDIN, 1):
            pass
        with self._lock:
            self._stop_event.set()
        if self._program is None:
            return
        self._signal_group(signal.SIGTERM)
        try:
            self._program.wait(STOP_SEC)
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)

    def _is_needed(self) -> bool:
        """Wait for a connection, if there is a socket; return False at the end of our input."""
        if self._descriptor is None:
            return True
        readable = select.select([self._descriptor, STDIN], [], [])[0]
        return STDIN not in readable

    def _start(self) -> subprocess.Popen[bytes]:
        if self._descriptor is None:
            return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
        return subprocess.Popen(
            [*WITH_SOCKET, *self._command],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[LISTEN_FD],
        )

    def _signal_group(self, number: int) -> None:
        """Send the signal to the program and its children."""
        if self._program:
            with suppress(ProcessLookupError):
                os.killpg(self._program.pid, number)


def main(arguments: list[str]) -> int:
    again = arguments[0] == "--again"
    arguments = arguments[again:]
    descriptor = None
    if arguments[0] == "--listen":
        descriptor, arguments = LISTEN_FD, arguments[1:]
        if int(arguments[0]) != LISTEN_FD:
            os.dup2(int(arguments[0]), LISTEN_FD)
            os.close(int(arguments[0]))
        arguments = arguments[1:]
    # Handled, not ignored: the program would inherit an ignored signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    guard = ProcessGuard(arguments, descriptor)
    threading.Thread(target=guard.stop_at_end_of_input, daemon=True).start()
    return guard.run(again)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
