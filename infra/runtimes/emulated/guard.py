"""Runs a program until it ends, or until our standard input closes, as it does however our parent ends.

Started as a file, without importing the project: `python guard.py [--again] PROGRAM [ARGUMENT …]`.
With `--again`, a program that was killed is restarted; one that exited is not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

STOP_SEC = 5.0
PAUSE_SEC = 1.0


class ProcessGuard:
    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._program = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)

    def run(self, again: bool) -> int:
        """Return the exit code of the last program."""
        while (code := self._program.wait()) < 0 and again:
            # Its children hold its port.
            self._signal_group(signal.SIGKILL)
            self._stop_event.wait(PAUSE_SEC)
            with self._lock:
                if self._stop_event.is_set():
                    break
                self._program = self._start()
        return code

    def stop_at_end_of_input(self) -> None:
        # Not sys.stdin: a lock held by a reading thread is a fatal error when the interpreter exits.
        while os.read(sys.stdin.fileno(), 1):
            pass
        with self._lock:
            self._stop_event.set()
        self._signal_group(signal.SIGTERM)
        try:
            self._program.wait(STOP_SEC)
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        """Send the signal to the program and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._program.pid, number)


def main(arguments: list[str]) -> int:
    again = arguments[0] == "--again"
    # Handled, not ignored: the program would inherit an ignored signal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    guard = ProcessGuard(arguments[again:])
    threading.Thread(target=guard.stop_at_end_of_input, daemon=True).start()
    return guard.run(again)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
