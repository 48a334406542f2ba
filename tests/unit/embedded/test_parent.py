"""Children of a server."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = "from infra.runtimes.process import end_with_parent; end_with_parent(); print('ready', flush=True)"


def test_a_child_that_is_done_ends_without_an_error() -> None:
    """A process that finishes while its server lives ends well, not with a fatal error of the interpreter."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.wait() == 0
        assert child.stderr is not None
        assert child.stderr.read() == b""


def test_a_child_ends_when_its_server_is_gone() -> None:
    """A process that would run for ever ends as soon as nobody holds its standard input."""
    endless = f"{PROGRAM}; import threading; threading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", endless], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"ready\n"
        child.stdin.close()
        assert child.wait() == 0
