"""The worker processes of `clipwise up`: there while there is work, and there again after any of them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shared.platform.embedded.place import open_embedded_place
from shared.settings import read_settings
from tests.server import Server, descendants, eventually, serving
from tests.server_processes import fork_server_of, lease_keepers_of, workers_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("workers") / "data", WORKER_IDLE_SEC="0.2") as server:
        yield server


def test_idle_workers_end_and_the_next_job_starts_others(server: Server, small_video: Path) -> None:
    """A machine with nothing to do holds two processes; a job that comes then is done as any other."""
    for _ in range(2):
        assert server.follow(server.submit(small_video))["status"] == "done"
        eventually(lambda: not workers_of(server.pid))
    fork_server = fork_server_of(server.pid)
    eventually(lambda: descendants(server.pid) == [fork_server])
    # A file for each process that ever ran would fill the disk.
    counters = {file.name for file in (server.data / "tmp" / "metrics").iterdir()}
    assert counters <= {f"{kind}_{name}.db" for kind in ("counter", "histogram") for name in worker_names()}


def test_a_command_on_the_same_folder_wakes_the_server(server: Server) -> None:
    """A message of another process, such as a second command, is worked on though the server was idle."""
    eventually(lambda: not workers_of(server.pid))
    other = open_embedded_place(read_settings({"CLIPWISE_DATA": str(server.data)}))
    other.place.bus.publish("release-requested", {"batchId": "none"})
    eventually(lambda: not other.queue.depth())
    other.database.close()


def worker_names() -> list[str]:
    return ["io-0", *(f"cpu-{number}" for number in range(os.cpu_count() or 1))]


@pytest.mark.parametrize("victim", ["worker", "lease keeper", "fork server"])
def test_jobs_end_though_their_processes_are_killed(server: Server, small_video: Path, victim: str) -> None:
    """Whichever process dies, others take its place and every job ends."""
    jobs = [server.submit(small_video) for _ in range(4)]
    victims = {"worker": workers_of, "lease keeper": lease_keepers_of, "fork server": lambda pid: [fork_server_of(pid)]}
    eventually(lambda: workers_of(server.pid), pause=0)
    for process_id in eventually(lambda: victims[victim](server.pid), pause=0):
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
    assert [server.follow(job)["status"] for job in jobs] == ["done"] * 4


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path, small_video: Path) -> None:
    """No process of a killed server goes on beside that of the next one."""
    server = Server(tmp_path / "data")
    server.start()
    server.submit(small_video)
    workers = eventually(lambda: workers_of(server.pid), pause=0)
    processes = [*descendants(server.pid), *workers]
    server.kill()
    eventually(lambda: not any(Path(f"/proc/{process_id}/fd/0").exists() for process_id in processes))
