"""Renews leases from a separate process: a stage that keeps its interpreter busy cannot renew them itself.

Each process that runs stages starts one keeper with its first stage. The keeper ends with it, when their pipe closes.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from shared import clock
from shared.child_process import child_environ
from shared.errors import Conflict, NotFound
from shared.models.job import Job, Lease, Part, StageState
from shared.once import once
from shared.pipeline.jobs import change_job
from shared.pipeline.parts import change_part, part_id
from shared.platform.place import current_place
from shared.platform.ports import Documents
from shared.settings import settings
from shared.wiring import wiring

log = logging.getLogger(__name__)
READ_BYTES = 1 << 16
GRACE_SEC = 5.0
"""How long after a function's timeout its process may still end itself."""


@dataclass(frozen=True)
class Hold:
    """A lease to renew: of a stage, or of one of its parts."""

    job_id: str
    stage: str
    part: int | None
    holder: str


class LeaseKeeper:
    """The keeper process as its parent uses it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | ForkedKeeper | None = None
        self._holds: set[Hold] = set()

    def fork(self) -> None:
        """Start the process at once, as a copy of this one: in milliseconds, and with shared memory.

        Call it before this process has threads or a database, which do not survive `fork`.
        """
        self._process = ForkedKeeper()

    @contextmanager
    def holding(self, hold: Hold) -> Iterator[None]:
        """Have the lease renewed while the context lasts, or until the function's timeout."""
        with self._lock:
            self._holds.add(hold)
        self.ensure_running()
        self._send("hold", hold)
        try:
            yield
        finally:
            with self._lock:
                self._holds.discard(hold)
            self._send("release", hold)

    def ensure_running(self) -> None:
        """Start the process if it does not run, with all leases that are held."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            if self._process is not None:
                log.error("the lease keeper ended with code %s; starting another", self._process.returncode)
            self._process = _start_process()
            holds = list(self._holds)
        for hold in holds:
            self._send("hold", hold)

    def _send(self, action: str, hold: Hold) -> None:
        line = json.dumps({"action": action, **asdict(hold)}).encode() + b"\n"
        with self._lock:
            if self._process is None or self._process.stdin is None:
                return
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except OSError:
                log.warning("the lease keeper does not listen; it is started again")


class ForkedKeeper:
    """The keeper as a copy of its parent."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        reader, writer = os.pipe()
        self._id = os.fork()
        if self._id == 0:
            _run_copy(reader, writer)
        os.close(reader)
        self.stdin = os.fdopen(writer, "wb")

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None:
            id, status = os.waitpid(self._id, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if id else None
        return self.returncode


def _run_copy(reader: int, writer: int) -> NoReturn:
    try:
        os.setsid()
        os.dup2(reader, sys.stdin.fileno())
        # Else the pipe would not close with the parent.
        os.close(writer)
        main()
    except Exception:
        log.exception("the lease keeper failed")
    finally:
        os._exit(0)


@once
def lease_keeper() -> LeaseKeeper:
    """The keeper of this process."""
    return LeaseKeeper()


def _start_process() -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
            stdin=subprocess.PIPE,
            env=child_environ(),
            start_new_session=True,
        )
    except OSError:
        # The stage's own thread renews the lease meanwhile, and tries this again.
        log.exception("the lease keeper was not started")
        return None


def renew(documents: Documents, hold: Hold) -> bool:
    """Extend a lease of which a third has passed; False when the holder has lost or released it."""
    length = timedelta(seconds=settings().lease_sec)
    is_held = False

    def extend(lease: Lease | None) -> bool:
        nonlocal is_held
        is_held = lease is not None and lease.holder == hold.holder
        if lease is None or not is_held or lease.until - clock.steady_now() > length * 2 / 3:
            return False
        lease.until = clock.steady_now() + length
        return True

    def extend_stage(job: Job) -> bool:
        state: StageState | None = job.stages.get(hold.stage)
        return extend(state.lease if state else None)

    def extend_part(part: Part) -> bool:
        return extend(part.lease)

    try:
        if hold.part is None:
            change_job(documents, hold.job_id, extend_stage)
        else:
            change_part(documents, part_id(hold.job_id, hold.stage, hold.part), extend_part)
    except NotFound:
        return False
    except Conflict:
        return True
    return is_held


def main() -> None:
    """Keep the leases that standard input names, until it closes."""
    from shared.logs import PlainFormatter, configure_logging

    configure_logging(PlainFormatter(), logging.WARNING)
    worker = os.getppid()
    period = settings().lease_sec / 3
    deadlines: dict[Hold, float] = {}
    pending = b""
    next_round = time.monotonic() + period
    while True:
        if select.select([sys.stdin.fileno()], [], [], max(0, next_round - time.monotonic()))[0]:
            data = os.read(sys.stdin.fileno(), READ_BYTES)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                _apply(json.loads(line), deadlines)
        if time.monotonic() >= next_round:
            if not is_stopped(worker):
                end_or_renew(deadlines, worker)
            next_round = time.monotonic() + period


def is_stopped(process_id: int) -> bool:
    """Return True if a process is stopped by a signal: then it does no work, and another may take its leases.

    Always False where there is no /proc.
    """
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("T", "t")


def _apply(message: dict[str, object], deadlines: dict[Hold, float]) -> None:
    action = message.pop("action")
    hold = Hold(**message)  # type: ignore[arg-type]
    if action == "release":
        deadlines.pop(hold, None)
    else:
        deadlines.setdefault(hold, time.monotonic() + wiring().functions[hold.stage].timeout_sec)


def end_or_renew(deadlines: dict[Hold, float], worker: int) -> None:
    """Renew the leases whose time is not over; end a worker that cannot end itself after a function's timeout."""
    # In the cloud, the platform ends what runs past its timeout.
    is_ours_to_end = settings().clipwise_place == "embedded"
    for hold, deadline in list(deadlines.items()):
        late_sec = time.monotonic() - deadline
        try:
            if late_sec > GRACE_SEC and is_ours_to_end:
                # A call that never gives the interpreter back stops the worker's own timer, too. The signal ends a
                # process without a handler, and says why.
                log.error("%s of job %s ran past its timeout; ending its process", hold.stage, hold.job_id)
                if os.getppid() == worker:
                    os.kill(worker, signal.SIGALRM)
            elif (late_sec <= 0 or is_ours_to_end) and not renew(current_place().documents, hold):
                del deadlines[hold]
        except Exception:
            log.exception("a lease of job %s was not renewed; trying again", hold.job_id)
