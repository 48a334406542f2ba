"""Leases while a stage keeps its interpreter busy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.errors import RetryLater
from shared.pipeline import lifecycle
from shared.pipeline.contract import claim_stage
from shared.pipeline.jobs import read_job
from shared.pipeline.lease_keeper import GRACE_SEC, Hold, end_or_renew
from shared.platform.embedded.place import open_embedded_place
from shared.settings import read_settings, settings
from tests.server import eventually

LEASE_SEC = 6
STARVED_SEC = 8
WORKER = f"""
import ctypes, sys, time
from shared.pipeline.lease_keeper import lease_keeper
from shared.pipeline.contract import run_stage
from shared.platform.place import current_place
from tests.unit.pipeline.fault_simulation import Event, cloud_event

def work(run):
    print("begun", flush=True)
    # Unlike time.sleep, a call through PyDLL keeps the interpreter's lock.
    ctypes.PyDLL(None).sleep({STARVED_SEC})
    print("worked", flush=True)

current_place()
lease_keeper().ensure_running()
run_stage(cloud_event(Event("download", sys.argv[1])), "download", sys.argv[1], work)
"""


def test_a_stage_that_starves_its_interpreter_keeps_its_lease(tmp_path: Path) -> None:
    """A video whose decoding blocks all of Python for longer than a lease is processed once, not twice."""
    environ = {"CLIPWISE_DATA": str(tmp_path / "data"), "LEASE_SEC": str(LEASE_SEC)}
    place = open_embedded_place(read_settings(environ)).place
    job = lifecycle.plan_job(owner="a", kind="metadata", language="en", url="https://example.com/video.mp4")
    lifecycle.start_job(place, job)
    command = [sys.executable, "-c", WORKER, job.id]
    with subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == "begun\n"
        refusals: list[RetryLater] = []

        def is_done() -> bool:
            try:
                claim = claim_stage(place, "download", job.id)
            except RetryLater as refusal:
                refusals.append(refusal)
                return False
            assert claim is None, "the stage was run twice"
            return True

        eventually(is_done)
        assert worker.stdout.read() == "worked\n"
    assert worker.returncode == 0
    assert refusals
    done = read_job(place.documents, job.id)
    assert done
    assert done.stages["download"].attempts == 1


@pytest.mark.parametrize(("late_sec", "ended"), [(-60, False), (1, False), (GRACE_SEC + 1, True)])
def test_a_stage_that_never_ends_is_ended_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late_sec: float, ended: bool
) -> None:
    """A worker whose stage blocks all of Python past its timeout is killed, so that it cannot hold a core for ever."""
    monkeypatch.setenv("CLIPWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CLIPWISE_PLACE", "embedded")
    settings.cache_clear()
    hold = Hold("job", "extract", None, "holder")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        monkeypatch.setattr(os, "getppid", lambda: worker.pid)
        end_or_renew({hold: time.monotonic() - late_sec}, worker.pid)
        # Also if it has ended already.
        worker.communicate(b"\n")
    settings.cache_clear()
    assert worker.returncode == (-signal.SIGALRM if ended else 0)
