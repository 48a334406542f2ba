"""The database: migrations, transactions, waiting for change."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.errors import StorageUnavailable
from shared.platform.embedded import database
from shared.platform.embedded.database import Database, SchemaError
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.embedded.schema import MIGRATIONS, Migration
from tests.patience import PATIENCE_SEC
from tests.unit.embedded.processes import at_once

FIRST = Migration("first", ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)"))
SECOND = Migration("second", ("ALTER TABLE a ADD COLUMN y INTEGER", "UPDATE a SET y = x + 1"))


def applied(path: Path) -> list[str]:
    rows = sqlite3.connect(path).execute("SELECT name FROM migrations ORDER BY number")
    return [name for (name,) in rows]


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    """Whoever updates Clipwise keeps what they have."""
    path = tmp_path / "x.db"
    Database(path, [FIRST]).close()
    db = Database(path, [FIRST, SECOND])
    assert applied(path) == ["first", "second"]
    assert tuple(db.connection.execute("SELECT x, y FROM a").fetchone()) == (1, 2)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """An update that goes wrong leaves the data as the old version can read it."""
    path = tmp_path / "x.db"
    Database(path, [FIRST]).close()
    broken = Migration("broken", ("DELETE FROM a", "THIS IS NOT SQL"))
    with pytest.raises(sqlite3.OperationalError):
        Database(path, [FIRST, SECOND, broken])
    assert applied(path) == ["first"]
    assert Database(path, [FIRST]).connection.execute("SELECT count(*) FROM a").fetchone()[0] == 1


@pytest.mark.parametrize("theirs", [[FIRST, SECOND], [SECOND._replace(statements=()), FIRST]], ids=["newer", "other"])
def test_a_newer_database_is_refused_with_advice(tmp_path: Path, theirs: list[Migration]) -> None:
    """Whoever goes back to an older Clipwise is told so, and their data is not touched."""
    path = tmp_path / "x.db"
    Database(path, theirs).close()
    with pytest.raises(SchemaError, match=r"'second'.*newer"):
        Database(path, [FIRST])
    assert applied(path) == [migration.name for migration in theirs]


def test_processes_that_open_a_new_database_at_once_all_succeed(tmp_path: Path) -> None:
    """The server and its workers start together on an empty folder."""
    code = (
        "import sys, pathlib; from shared.platform.embedded.database import Database\n"
        "print(flush=True); sys.stdin.read()\n"
        "Database(pathlib.Path(sys.argv[1]))"
    )
    with at_once([code, str(tmp_path / "x.db")], 6) as processes:
        codes = [process.wait(PATIENCE_SEC) for process in processes]
    assert codes == [0] * 6
    assert applied(tmp_path / "x.db") == [migration.name for migration in MIGRATIONS]


def test_the_database_survives_kills_and_power_cuts_by_its_settings(tmp_path: Path) -> None:
    """Write-ahead log, synced at each commit."""
    connection = Database(tmp_path / "x.db").connection
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_an_exception_undoes_the_whole_transaction(tmp_path: Path) -> None:
    """Half a change is never seen, nor kept, also where one change is part of another."""
    db = Database(tmp_path / "x.db", [FIRST])

    def fail_late() -> None:
        with db.transaction() as outer:
            outer.execute("INSERT INTO a VALUES (2)")
            with db.transaction() as inner:
                inner.execute("INSERT INTO a VALUES (3)")
            raise KeyError

    with pytest.raises(KeyError):
        fail_late()
    assert [row["x"] for row in db.connection.execute("SELECT x FROM a")] == [1]


def test_threads_take_turns_at_writing(tmp_path: Path) -> None:
    """Thirty requests that change one number at once lose no change."""
    db = Database(tmp_path / "x.db", [FIRST])

    def increase(_: int) -> None:
        with db.transaction() as connection:
            x = connection.execute("SELECT x FROM a").fetchone()["x"]
            connection.execute("UPDATE a SET x = ?", (x + 1,))

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(increase, range(300)))
    assert db.connection.execute("SELECT x FROM a").fetchone()["x"] == 301


def test_a_change_by_another_connection_ends_the_wait(tmp_path: Path) -> None:
    """A worker hears of a message that another process published, well before its wait is over."""
    db = Database(tmp_path / "x.db", [FIRST])
    other = Database(tmp_path / "x.db", [FIRST])
    seen = db.change_marker()

    def write() -> None:
        with other.transaction() as connection:
            connection.execute("UPDATE a SET x = 5")
        other.close()

    writer = threading.Thread(target=write)
    writer.start()
    db.wait_for_change(seen, 60)
    writer.join()
    assert db.change_marker() != seen


def _use(db: Database, answer: multiprocessing.Queue[str]) -> None:  # type: ignore[type-arg]
    try:
        db.connection.execute("SELECT 1")
    except RuntimeError as error:
        answer.put(str(error))


def test_a_forked_child_is_told_to_open_its_own(tmp_path: Path) -> None:
    """A mistake that would damage the file is an error instead."""
    db = Database(tmp_path / "x.db")
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_use, args=(db, answer))
    child.start()
    assert "fork" in answer.get(timeout=PATIENCE_SEC)
    child.join()


def test_a_full_database_says_so_and_heals(place: EmbeddedPlace) -> None:
    """What does not fit is refused with a sentence, nothing of it stays, and with more room it fits."""
    connection = place.database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageUnavailable) as caught:
        place.place.documents.create("jobs", "a", {"text": "x" * 100_000})
    assert caught.value.code == "storage_full"
    assert place.place.documents.get("jobs", "a") is None
    connection.execute("PRAGMA max_page_count = 1000000")
    place.place.documents.create("jobs", "a", {"text": "x" * 100_000})


def test_threads_that_wait_for_their_turn_do_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one write hangs, the others are refused after a while, each with the same sentence."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SEC", 0.01)
    db = Database(tmp_path / "x.db", [FIRST])
    with db.transaction(), ThreadPoolExecutor(1) as other:  # noqa: SIM117
        with pytest.raises(StorageUnavailable) as caught:
            other.submit(db.transaction().__enter__).result()
    assert caught.value.code == "storage_busy"
