"""Start and end of our processes: loopback hosts past proxies, signals, and children that end with their parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import MutableMapping
from typing import NoReturn

LOOPBACK = ("127.0.0.1", "localhost", "::1")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
"""Addresses that stand for all of a machine's, with the one that reaches them from the machine itself."""
PROXY_VARIABLES = ("NO_PROXY", "no_proxy")
SIGTERM_EXIT_CODE = 143
"""The exit code that shells show for SIGTERM."""


def bypass_proxies(environ: MutableMapping[str, str]) -> None:
    """Add the loopback hosts to NO_PROXY, since a proxy cannot reach them.

    Both spellings of the variable get the hosts of either, since clients read one or the other.
    """
    hosts = [host.strip() for name in PROXY_VARIABLES for host in environ.get(name, "").split(",") if host.strip()]
    # A lone * means all hosts; some clients ignore it in a list.
    no_proxy = ["*"] if "*" in hosts else dict.fromkeys([*hosts, *LOOPBACK])
    environ.update(dict.fromkeys(PROXY_VARIABLES, ",".join(no_proxy)))


def local_url(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server that listens on `host`."""
    return f"http://{_bracket(WILDCARDS.get(host, host))}:{port}"


def ready_line(host: str, port: int, public_url: str) -> str:
    """Say where a server listens, and where clients reach it if that differs. The line ends with its local URL."""
    url = local_url(host, port)
    notes = []
    if host in WILDCARDS:
        notes.append(f"on all addresses of this machine ({_bracket(host)}:{port})")
    if public_url.rstrip("/") != url:
        notes.append(f"for clients of {public_url} (PUBLIC_URL)")
    listens = f"listens {' '.join(notes)} and " if notes else ""
    return f"Clipwise {listens}is ready at {url}"


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def core_count() -> int:
    """Return how many cores this process may use, of which `taskset` or a container may leave it fewer."""
    allowed_cores = getattr(os, "sched_getaffinity", None)
    return len(allowed_cores(0)) if allowed_cores else os.cpu_count() or 1


class TerminationSignal(SystemExit):
    """SIGTERM arrived."""


def raise_on_signals() -> None:
    """Raise KeyboardInterrupt on SIGINT, and TerminationSignal on SIGTERM or when the terminal closes.

    SIGINT ends processes started with a script's `&` too, which would ignore it. SIGHUP stays ignored under `nohup`.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Raised as SIGTERM, on which uvicorn shuts down gracefully.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _terminate(*_: object) -> NoReturn:
    raise TerminationSignal(SIGTERM_EXIT_CODE)


def end_with_parent() -> None:
    """End this process when its standard input closes, whose other end the parent holds."""

    def watch() -> None:
        # Not sys.stdin: a lock held by a reading thread is a fatal error when the interpreter exits.
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
