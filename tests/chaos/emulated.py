"""The emulated place with its parts laid open, for tests that break them one at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from infra.runtimes.emulated import provision as provisioning
from infra.runtimes.emulated.emulators import EmulatorHosts, emulator_command
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.installation import PUBSUB
from infra.runtimes.emulated.provision import provision_pubsub, pubsub_clients
from infra.runtimes.emulated.serve import run_functions
from shared import clock
from shared.errors import Conflict
from shared.models.job import Job
from shared.pipeline.job_storage import JOBS, VIDEOS
from shared.pipeline.jobs import read_job
from shared.wiring import Wiring, wiring
from tests.contract.emulated import connect, need_emulators, running_emulators
from tests.patience import PATIENCE_SEC
from tests.server import UNLIMITED, Api, eventually

LEASE_SEC = 3
ACK_SEC = 10
# Enough to outlast a lease; what is refused as often as this is put among the dead letters.
DELIVERIES = 25
SETTLED = ("stage is done", "nothing to do")

Entry = dict[str, Any]


class Pubsub:
    """Google's emulator on a port that stays the same; with its end, it forgets topics, subscriptions and messages."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._log = log
        self._process = ExitStack()

    def start(self) -> None:
        command = emulator_command(PUBSUB, self.port, obtain=False)
        self._process.enter_context(run_guarded(command, self._log)).wait_for_port(self.port, PATIENCE_SEC)

    def stop(self) -> None:
        self._process.close()


class EmulatedPlace(Api):
    """All of it, with pushes that come back quickly and a sweep that comes when it is called."""

    def __init__(
        self, folder: Path, hosts: EmulatorHosts, environ: dict[str, str], pubsub: Pubsub, endpoints: dict[str, str]
    ) -> None:
        super().__init__(endpoints["api"])
        self.folder = folder
        self.hosts = hosts
        self.environ = environ
        self.pubsub = pubsub
        self.endpoints = endpoints
        self.platform = connect(hosts)
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)
        self._read_bytes: Counter[str] = Counter()

    def provision(self, **moved: str) -> None:
        """Subscribe the functions; those in `moved` at other endpoints than their own."""
        pushed = {name: endpoint for name, endpoint in self.endpoints.items() if name != "api"}
        provision_pubsub(self.hosts, pushed | moved)

    def stored(self, job_id: str) -> Job:
        job = read_job(self.platform.documents, job_id)
        assert job is not None, job_id
        return job

    def until(self, job_id: str, holds: Callable[[Job], bool]) -> Job:
        eventually(lambda: holds(self.stored(job_id)))
        return self.stored(job_id)

    def publish(self, job_id: str, *topics: str) -> list[str]:
        """Tell stages of the job that their time has come, whether it has or not; the messages' ids."""
        return [self.platform.bus.publish(topic, {"jobId": job_id}) for topic in topics]

    def sweep(self, *job_ids: str) -> None:
        """Let the time pass until these jobs are to be looked at, and look."""
        for job_id in job_ids:
            stored = self.platform.documents.get(JOBS, job_id)
            if stored and stored.data["wakeAt"]:
                # Whoever changes the job meanwhile is at work on it.
                with suppress(Conflict):
                    self.platform.documents.replace(JOBS, job_id, stored.data | {"wakeAt": clock.now()}, stored.version)
        self.platform.bus.publish("sweep-tick", {})

    def end(self, *job_ids: str) -> None:
        """Wait until all of these jobs have ended, and sweep meanwhile."""

        def ended() -> bool:
            active = [job for job_id in job_ids if not (job := self.stored(job_id)).status.is_final]
            self.sweep(*(job.id for job in active))
            return not active

        eventually(ended, pause=1)

    def log(self, function: str, job_id: str | None = None) -> list[Entry]:
        """What the function has said, of this job if one is given."""
        with (self.folder / f"{function}.log").open("rb") as log:
            log.seek(self._read_bytes[function])
            # The last line may be half written.
            lines = [line for line in log if line.endswith(b"\n")]
        self._read_bytes[function] += sum(map(len, lines))
        entries = self._entries[function]
        entries += (json.loads(line) for line in lines if line.startswith(b"{"))
        return [entry for entry in entries if job_id in (None, label(entry, "job"))]

    def said(self, function: str, job_id: str, message: str) -> int:
        """How often the function has said this of the job."""
        return sum(message in entry["message"] for entry in self.log(function, job_id))

    def settled(self, *message_ids: str) -> bool:
        """Whether each of these messages was acknowledged, by the attempt that it set off or as of no use."""
        said = [entry for name in self.endpoints for entry in self.log(name)]
        return {label(entry, "event") for entry in said if entry["message"] in SETTLED}.issuperset(message_ids)

    def signal(self, function: str, number: signal.Signals) -> set[int]:
        """Send a signal to all of the function's processes; their ids."""
        found = set(processes(self.endpoints[function]))
        assert found, f"{function} does not run"
        for pid in found:
            os.kill(pid, number)
        return found

    def dead_letters(self) -> list[tuple[bytes, dict[str, str]]]:
        """Data and attributes of those that came since the last time; waits for the first."""
        name = f"projects/{self.hosts.project}/subscriptions/{wiring().dead_letter_topic}"
        with pubsub_clients(self.hosts) as (_, subscriber):
            received = subscriber.pull(subscription=name, max_messages=100, timeout=PATIENCE_SEC).received_messages
            subscriber.acknowledge(subscription=name, ack_ids=[letter.ack_id for letter in received])
        return [(letter.message.data, dict(letter.message.attributes)) for letter in received]

    def assert_done_once(self, job_id: str, **attempts: int) -> Job:
        """The job is done, with one result; each stage took one attempt or as many as told, and one was its last."""
        job = self.stored(job_id)
        assert (job.status, job.progress, job.error) == ("done", 100, None)
        assert job.outbox == []
        videos = self.platform.documents.query(VIDEOS, [("jobId", "==", job_id)]).documents
        assert [video.id for video in videos] == [job_id]
        for name, state in job.stages.items():
            assert (name, state.status, state.lease) == (name, "done", None)
            assert (name, state.attempts) == (name, attempts.get(name, 1))
            assert (name, self.said(name, job_id, "begins")) == (name, state.attempts)
            # A function says so after it has stored that.
            assert (name, eventually(lambda name=name: self.said(name, job_id, "stage is done"))) == (name, 1)
        return job


def label(entry: Entry, name: str) -> str | None:
    value: str | None = entry.get("logging.googleapis.com/labels", {}).get(name)
    return value


def processes(endpoint: str) -> Iterator[int]:
    """The processes of the server at an endpoint: functions-framework's, and the one that it works in."""
    port = endpoint.rpartition(":")[2]
    table = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    for line in table.splitlines():
        pid, _, command = line.strip().partition(" ")
        if "functions_framework" in command and command.endswith(f"--port {port}") and "guard.py" not in command:
            yield int(pid)


def impatient(table: Wiring) -> Wiring:
    """The table with deliveries that are sent again soon, and given up early."""
    changed = {"timeout_sec": ACK_SEC, "deliveries": DELIVERIES}
    rows = {name: row.model_copy(update=changed) for name, row in table.functions.items()}
    return table.model_copy(update={"functions": rows})


@contextmanager
def emulated_place(folder: Path, **environ: str) -> Iterator[EmulatedPlace]:
    need_emulators()
    pubsub = Pubsub(folder / "pubsub.log")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        table = impatient(wiring())
        patch.setattr(provisioning, "wiring", lambda: table)
        patch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{pubsub.port}")
        stack.callback(pubsub.stop)
        pubsub.start()
        hosts = stack.enter_context(running_emulators(folder / "emulators"))
        port = free_port()
        found = hosts.environ() | {
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "AUTH_REQUIRED": "false",
            "LEASE_SEC": str(LEASE_SEC),
            **UNLIMITED,
            **environ,
        }
        endpoints = stack.enter_context(run_functions(folder, found, ("127.0.0.1", port)))
        place = EmulatedPlace(folder, hosts, found, pubsub, endpoints)
        place.provision()
        yield place
