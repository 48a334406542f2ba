"""How `clipwise up` ends, and how it does not."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.integration.test_demo import is_served
from tests.patience import PATIENCE_SEC
from tests.server import CLIPWISE, IN_BACKGROUND


def restore_default(number: signal.Signals) -> None:
    """The suite may have been started by `nohup`, and ignore it."""
    signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_ends_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    """A service manager and a closed terminal end the server; the code says that nothing went wrong."""
    with subprocess.Popen(
        [*CLIPWISE, "up", "--port", "0", "--data", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: restore_default(number),
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        server.send_signal(number)
        assert server.wait(PATIENCE_SEC) == 0
    assert not is_served(tmp_path)


def test_nohup_outlasts_the_terminal(tmp_path: Path) -> None:
    """A server that `nohup` started serves on after the terminal is gone, and an interrupt still ends it."""
    with subprocess.Popen(
        [*IN_BACKGROUND, *CLIPWISE, "up", "--port", "0", "--data", tmp_path], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        server.send_signal(signal.SIGHUP)
        assert httpx.get(f"{url}/v1/kinds").status_code == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE_SEC) == 0
