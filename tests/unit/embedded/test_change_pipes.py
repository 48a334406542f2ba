"""Notification of waiting threads through pipes, and what happens when it fails."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from shared.platform.embedded import change_pipes, database
from shared.platform.embedded.change_pipes import ChangeNotifier
from shared.platform.embedded.database import Database
from tests.patience import PATIENCE_SEC
from tests.unit.embedded.processes import at_once


def test_only_those_who_wait_for_it_are_woken(tmp_path: Path) -> None:
    """A worker that waits for messages sleeps on while the progress of jobs is written."""
    notifier = ChangeNotifier(tmp_path / "waiting")
    pipe = notifier.pipe("deliveries")
    descriptor = pipe._descriptor
    assert descriptor is not None
    notifier.notify(["documents", "any"])
    with pytest.raises(BlockingIOError):
        os.read(descriptor, 1)
    notifier.notify(["deliveries"])
    assert os.read(descriptor, 1)


def test_the_pipe_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    """However often processes are killed while they wait, the data folder does not fill with their pipes."""
    folder = tmp_path / "waiting"
    code = (
        "import os, pathlib, signal, sys\n"
        "from shared.platform.embedded.change_pipes import ChangeNotifier\n"
        "notifier = ChangeNotifier(pathlib.Path(sys.argv[1])); notifier.pipe('deliveries')\n"
        "print(flush=True); sys.stdin.read(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with at_once([code, str(folder)], 1) as (process,):
        process.wait(PATIENCE_SEC)
    assert len(list(folder.iterdir())) == 1
    ChangeNotifier(folder).notify(["deliveries"])
    assert list(folder.iterdir()) == []


def test_the_pipe_of_a_thread_goes_with_it(tmp_path: Path) -> None:
    """A server that answers requests in many threads keeps no pipe for those that have ended."""
    notifier = ChangeNotifier(tmp_path / "waiting")
    thread = threading.Thread(target=lambda: notifier.pipe("documents"))
    thread.start()
    thread.join()
    assert list((tmp_path / "waiting").iterdir()) == []


def test_a_change_without_notification_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is found though its sender was killed right after the commit, or is another program."""
    monkeypatch.setattr(database, "CHECK_SEC", 0.01)
    db = Database(tmp_path / "x.db", [])
    marker = db.change_marker()
    with closing(sqlite3.connect(tmp_path / "x.db")) as other, other:
        other.execute("CREATE TABLE a (x)")
    db.wait_for_change(marker, PATIENCE_SEC, "deliveries")
    assert db.change_marker() != marker


def test_without_a_pipe_the_wait_is_a_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk, or without a free descriptor, workers still find their messages."""

    def fail(path: Path) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(change_pipes, "_open_pipe", fail)
    monkeypatch.setattr(change_pipes, "POLL_SEC", 0.01)
    db, other = Database(tmp_path / "x.db", []), Database(tmp_path / "x.db", [])
    marker = db.change_marker()
    with other.transaction("deliveries") as connection:
        connection.execute("CREATE TABLE a (x)")
    db.wait_for_change(marker, PATIENCE_SEC, "deliveries")
    assert db.change_marker() != marker
