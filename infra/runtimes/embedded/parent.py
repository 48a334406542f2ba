"""Ends a child process together with its server, however the server ends."""

from __future__ import annotations

import os
import sys
import threading


def end_with_parent() -> None:
    """End this process when its standard input closes: the server holds the other end."""

    def watch() -> None:
        # Not through sys.stdin: its lock, held by a thread that reads, is a fatal error when the interpreter ends.
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
