"""Threads of the server: none ends quietly."""

from __future__ import annotations

import threading

import pytest

from infra.runtimes import background_tasks
from infra.runtimes.background_tasks import Scheduler, Watchdog
from tests.patience import PATIENCE_SEC


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [OSError("disk full"), SystemExit(1)], ids=["error", "end of the thread"])
def test_a_task_goes_on_after_whatever_it_meets(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are worked on after a fault that ended a worker's thread, without a restart of the server."""
    monkeypatch.setattr(background_tasks, "FIRST_PAUSE_SEC", 0.01)
    calls = 0
    went_on = threading.Event()

    def task() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise error
        went_on.set()
        watchdog.stop_event.wait()

    watchdog = Watchdog({"task": task}, check_sec=0.01)
    with watchdog:
        assert went_on.wait(PATIENCE_SEC)
    watchdog.join()
    assert calls == 3


def test_a_scheduled_task_that_fails_is_repeated_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that met a locked database does not wait for the next hour."""
    monkeypatch.setattr(background_tasks, "FIRST_PAUSE_SEC", 0.01)
    errors = [OSError("locked")]
    done = threading.Event()

    def task() -> None:
        if errors:
            raise errors.pop()
        done.set()

    with Scheduler([(60, task)]):
        assert done.wait(PATIENCE_SEC)
