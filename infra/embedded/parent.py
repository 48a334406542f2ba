"""Ends a child process together with its server, however the server ends."""

from __future__ import annotations

import os
import sys
import threading


def end_with_parent() -> None:
    """The server holds the other end of our standard input: when it closes, the server is gone, or done with us."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
