"""Ports for the programs of the emulated place."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from infra.runtimes.emulated import guarded_process
from infra.runtimes.emulated.guarded_process import free_port
from infra.runtimes.emulated.installation import EmulatorsUnavailable


def test_a_port_that_is_taken_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two places beside each other get ports of their own, and whoever has none left is told."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        taken = other.getsockname()[1]
        monkeypatch.setattr(guarded_process, "PORT_ATTEMPTS", 2)
        monkeypatch.setattr(guarded_process, "PORTS", [taken, taken])
        with pytest.raises(EmulatorsUnavailable, match="no port"):
            free_port()
        monkeypatch.undo()
        assert free_port() != taken


def test_the_log_of_a_program_that_exits_ends_with_its_own_words() -> None:
    """A user reads why a program did not start, not an error of the interpreter that guards it."""
    command = [sys.executable, guarded_process.GUARD, sys.executable, "-c", "import sys; sys.exit('no space left')"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as guard:
        assert guard.stderr is not None
        assert guard.stderr.read() == b"no space left\n"
        assert guard.wait() == 1
