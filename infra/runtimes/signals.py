"""The signals that stop a program of ours in good order, so that it leaves nothing running."""

from __future__ import annotations

import signal
from typing import NoReturn

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
