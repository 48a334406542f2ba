"""The emulators start together, end together, and never outlive who started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.runtimes.emulated.emulators import EmulatorHosts, run_emulators
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.installation import EmulatorsUnavailable
from tests.contract.emulated import own_emulators
from tests.patience import PATIENCE_SEC
from tests.server import eventually

HOLDER = """
import sys, time
from pathlib import Path
from infra.runtimes.emulated.emulators import run_emulators
with run_emulators(Path(sys.argv[1]), obtain=False) as hosts:
    print(hosts.firestore, hosts.pubsub, hosts.storage, flush=True)
    time.sleep(600)
"""


def listens(address: str) -> bool:
    host, _, port = (urlsplit(address).netloc or address).rpartition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    return True


def all_end(addresses: list[str]) -> bool:
    deadline = time.monotonic() + PATIENCE_SEC
    while any(map(listens, addresses)):
        if time.monotonic() > deadline:
            return False
    return True


def addresses(hosts: EmulatorHosts) -> list[str]:
    return [hosts.firestore, hosts.pubsub, hosts.storage]


def test_all_three_answer_and_end_with_the_context(tmp_path: Path) -> None:
    """When the emulated place is left, no port stays taken and no process runs on."""
    with own_emulators(tmp_path) as hosts:
        assert all(map(listens, addresses(hosts)))
        assert {"firestore.log", "pubsub.log", "storage.log"} <= {path.name for path in tmp_path.iterdir()}
    assert not any(map(listens, addresses(hosts)))


def test_killing_who_started_them_ends_them(tmp_path: Path) -> None:
    """Even after kill -9 nothing is left behind that would have to be looked for."""
    with own_emulators(tmp_path / "probe"):
        pass  # skips where there are none
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    started = holder.stdout.readline().split()
    assert all(map(listens, started))
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert all_end(started)
    holder.stdout.close()


def test_one_that_runs_already_is_used_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has an emulator of their own keeps it."""
    with own_emulators(tmp_path / "first") as first:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", first.firestore)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", first.pubsub)
        with run_emulators(tmp_path / "second", obtain=False) as second:
            assert (second.firestore, second.pubsub) == (first.firestore, first.pubsub)
            assert second.storage != first.storage
        assert not listens(second.storage)
        assert all(map(listens, addresses(first)))


def test_a_program_that_does_not_start_tells_why(tmp_path: Path) -> None:
    """The message ends with what the program said."""
    command = [sys.executable, "-c", "import sys; sys.exit('no space left on this planet')"]
    with run_guarded(command, tmp_path / "log") as process, pytest.raises(EmulatorsUnavailable, match="on this planet"):
        process.wait_for_port(free_port(), PATIENCE_SEC)


def test_one_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """A function that ran out of memory is there again for the next event, with nothing left of the one before."""
    port, pids = free_port(), tmp_path / "pids"
    # Its child has the port, too, and would outlive it.
    forking = (
        "import os, socket, time;"
        f"s = socket.create_server(('127.0.0.1', {port}));"
        f"os.fork() and open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)"
    )
    with run_guarded([sys.executable, "-c", forking], tmp_path / "log", again=True):
        first = eventually(lambda: pids.exists() and pids.read_text().splitlines())
        os.kill(int(first[0]), signal.SIGKILL)
        eventually(lambda: len(pids.read_text().splitlines()) == 2)
        assert listens(f"127.0.0.1:{port}")
    assert not listens(f"127.0.0.1:{port}")


def test_one_that_ends_by_itself_stays_ended(tmp_path: Path) -> None:
    """A function that cannot be loaded tells so at once instead of trying for ever."""
    command = [sys.executable, "-c", "import sys; sys.exit('no such module')"]
    with (
        run_guarded(command, tmp_path / "log", again=True) as process,
        pytest.raises(EmulatorsUnavailable, match="module"),
    ):
        process.wait_for_port(free_port(), PATIENCE_SEC)


def test_one_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    """A program that hangs does not hang us."""
    port = free_port()
    deaf = (
        "import signal, socket, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    )
    with run_guarded([sys.executable, "-c", deaf], tmp_path / "log") as process:
        process.wait_for_port(port, PATIENCE_SEC)
    assert not listens(f"127.0.0.1:{port}")


WORKER = """
import os, socket, sys
assert os.environ["LISTEN_PID"] == str(os.getpid()), "the socket is another program's"
listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(str(os.getpid()).encode())
"""


def test_a_function_that_nobody_calls_takes_no_process(tmp_path: Path) -> None:
    """A program starts for the first connection, which waits for it, and after a kill for the next one."""

    def call() -> int:
        with socket.create_connection(address, timeout=PATIENCE_SEC) as connection:
            return int(connection.recv(100) or 0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        program = run_guarded([sys.executable, "-c", WORKER], tmp_path / "log", again=True, listener=listener)
        with program:
            listener.close()
            first = call()
            assert call() == first
            os.kill(first, signal.SIGKILL)
            assert eventually(call) != first
    assert not listens(f"127.0.0.1:{address[1]}")


def test_a_program_that_was_never_needed_ends_with_its_context(tmp_path: Path) -> None:
    """An emulated place whose functions were not used ends as fast as any other, and nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-c", f"open({str(tmp_path / 'started')!r}, 'w')"]
        with run_guarded(command, tmp_path / "log", listener=listener) as process:
            process.request_stop()
    assert not (tmp_path / "started").exists()
