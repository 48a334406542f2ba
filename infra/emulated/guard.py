"""Runs a program until it ends, or until our standard input does: the kernel closes that, whatever ends our parent.

Started as a file, with nothing of the project imported: `python guard.py PROGRAM [ARGUMENT …]`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

STOP_SEC = 5.0


def main(command: list[str]) -> int:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    # Only now: a program inherits the signals that are ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=stop_at_end_of_input, args=(program,), daemon=True).start()
    return program.wait()


def stop_at_end_of_input(program: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    os.killpg(program.pid, signal.SIGTERM)
    try:
        program.wait(STOP_SEC)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
