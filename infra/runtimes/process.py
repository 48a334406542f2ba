"""This machine's own addresses."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import MutableMapping
from typing import NoReturn

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXY_VARIABLES = ("NO_PROXY", "no_proxy")


def bypass_proxies(environ: MutableMapping[str, str]) -> None:
    """Add this machine to NO_PROXY: what runs here is not to be asked for through a proxy, which cannot reach it.

    Both spellings get the hosts of either, since clients read one or the other.
    """
    hosts = [host.strip() for name in PROXY_VARIABLES for host in environ.get(name, "").split(",") if host.strip()]
    # A lone * means all hosts, and in a list means nothing to some clients.
    no_proxy = ["*"] if "*" in hosts else dict.fromkeys([*hosts, *LOOPBACK])
    environ.update(dict.fromkeys(PROXY_VARIABLES, ",".join(no_proxy)))


SIGTERM_EXIT_CODE = 143
"""The exit code that shells show for SIGTERM."""


class TerminationSignal(SystemExit):
    """SIGTERM arrived."""


def raise_on_signals() -> None:
    """Raise KeyboardInterrupt on SIGINT, and Terminated on SIGTERM or when the terminal closes.

    A script's `&` starts processes that ignore SIGINT; one that is sent on purpose stops them all the same. A SIGHUP
    that `nohup` has us ignore stays ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # As SIGTERM, since that is what uvicorn ends in good order for.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _terminate(*_: object) -> NoReturn:
    raise TerminationSignal(SIGTERM_EXIT_CODE)


def end_with_parent() -> None:
    """End this process when its standard input closes: the server holds the other end."""

    def watch() -> None:
        # Not through sys.stdin: its lock, held by a thread that reads, is a fatal error when the interpreter ends.
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
