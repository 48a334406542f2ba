"""What only the embedded documents promise: indexes, and a watcher that costs nothing when nobody watches."""

from __future__ import annotations

import logging
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.errors import StorageUnavailable
from shared.platform.embedded import document_watcher
from shared.platform.embedded.database import ChangeMarker, Database
from shared.platform.embedded.fields import type_rank_sql, value_sql
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.ports import Document, Filter, Order
from tests.patience import PATIENCE_SEC
from tests.unit.embedded.conftest import reopen

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEWEST: list[Order] = [("createdAt", "desc")]


@pytest.mark.parametrize(
    ("collection", "filters", "order", "index"),
    [
        ("jobs", [("owner", "==", "a")], NEWEST, "documents_by_owner"),
        ("jobs", [("owner", "==", "a"), ("status", "==", "done")], NEWEST, "documents_by_owner_and_status"),
        ("jobs", [("owner", "==", "a"), ("kind", "==", "recipe")], NEWEST, "documents_by_owner_and_kind"),
        ("jobs", [("status", "==", "failed")], [("createdAt", "desc")], "documents_by_status_and_age"),
        ("jobs", [("endedAt", ">=", 1), ("endedAt", "<", 2)], [("endedAt", "asc")], "documents_by_ended_at"),
        ("jobs", [("wakeAt", "<=", NOW)], [("wakeAt", "asc")], "documents_by_wake_at"),
        ("jobs", [("expiresAt", "<=", NOW)], [("expiresAt", "asc")], "documents_by_expires_at"),
        ("images", [("datasetId", "==", "d")], [], "documents_by_dataset"),
        ("images", [("datasetId", "==", "d"), ("chunk", "==", 1)], [], "documents_by_dataset_and_chunk"),
        (
            "images",
            [("datasetId", "==", "d"), ("state", "==", "x"), ("chunk", "==", 1)],
            [],
            "documents_by_dataset_and_chunk",
        ),
    ],
)
def test_the_queries_of_the_pipeline_use_an_index(
    place: EmbeddedPlace, collection: str, filters: list[Filter], order: list[Order], index: str
) -> None:
    """A list of jobs or images opens as fast with a hundred thousand of them as with ten."""
    for n in range(3):
        job = {"owner": "a", "status": "done", "kind": "recipe", "createdAt": NOW, "wakeAt": NOW, "expiresAt": NOW}
        place.place.documents.put(collection, f"{n}", job | {"datasetId": "d", "chunk": 1, "state": "x"})
    connection = place.database.connection
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    page = place.place.documents.query(collection, filters, order, 1)
    place.place.documents.query(collection, filters, order, 1, page.cursor)
    connection.set_trace_callback(None)
    for statement in statements:
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert re.search(rf"SEARCH documents USING INDEX {index} \(collection=\? AND", plan[0]), plan

        if order == NEWEST:
            assert len(plan) == 1, "sorted anew"


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ([("status", "==", "running")], "documents_by_status_and_age"),
        ([("status", "==", "running"), ("stage", "==", "extract")], "documents_by_status_and_age"),
        ([("owner", "==", "a"), ("status", "==", "queued")], "documents_by_owner_and_status"),
    ],
)
def test_counts_use_an_index(place: EmbeddedPlace, filters: list[Filter], index: str) -> None:
    """The operations page costs as little with a hundred thousand jobs as with ten."""
    connection = place.database.connection
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    place.place.documents.count("jobs", filters, 10)
    connection.set_trace_callback(None)
    (statement,) = statements
    plan = " ".join(row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
    assert f"SEARCH documents USING INDEX {index} (collection=? AND" in plan


def test_the_sort_keys_are_those_the_indexes_were_made_with() -> None:
    """Changing these texts makes the indexes of existing folders useless: it needs a migration that rebuilds them."""
    assert type_rank_sql("a") == (
        "CASE json_type(data, '$.a') WHEN 'null' THEN 0 WHEN 'false' THEN 1 WHEN 'true' THEN 1"
        " WHEN 'integer' THEN 2 WHEN 'real' THEN 2 WHEN 'text' THEN 4 WHEN 'array' THEN 5"
        " WHEN 'object' THEN iif(json_type(data, '$.a.\"$time\"') IS NULL, 6, 3) END"
    )
    assert value_sql("a") == "coalesce(json_extract(data, '$.a.\"$time\"'), json_extract(data, '$.a'), 0)"


@pytest.mark.parametrize("path", ["", "a b", "a'--", "a..b", ".a", 'a"', "a[0]", "$time", "a\n"])
def test_a_field_that_is_no_plain_path_is_refused(place: EmbeddedPlace, path: str) -> None:
    """No filter can smuggle SQL in."""
    with pytest.raises(ValueError, match="dotted path"):
        place.place.documents.query("jobs", [(path, "==", 1)])
    with pytest.raises(ValueError, match="dotted path"):
        place.place.documents.query("jobs", [], [(path, "asc")])


def test_more_choices_than_firestore_takes_are_refused(place: EmbeddedPlace) -> None:
    """A query that would fail in the cloud fails here."""
    place.place.documents.query("jobs", [("kind", "in", list(range(30)))])
    with pytest.raises(ValueError, match="at most 30"):
        place.place.documents.query("jobs", [("kind", "in", list(range(31)))])


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "document-watcher"]


def test_the_watcher_thread_ends_with_the_last_watch(place: EmbeddedPlace) -> None:
    """A server that nobody listens to does no work for listeners."""
    documents = place.place.documents
    endings = [documents.watch("jobs", "a", lambda document: None) for _ in range(3)]
    (thread,) = watchers()
    for unsubscribe in endings:
        unsubscribe()
    thread.join(20)
    assert not thread.is_alive()
    told = threading.Event()
    unsubscribe = documents.watch("jobs", "a", lambda document: told.set())
    assert told.wait(PATIENCE_SEC)
    (thread,) = watchers()
    unsubscribe()
    thread.join(20)


def test_a_watch_sees_what_another_process_writes(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A page served by the API shows what a worker process does."""
    seen: list[int | None] = []
    changed = threading.Condition()

    def note(document: Document | None) -> None:
        with changed:
            seen.append(document.data["n"] if document else None)
            changed.notify_all()

    unsubscribe = place.place.documents.watch("jobs", "a", note)
    with changed:
        assert changed.wait_for(lambda: seen == [None], PATIENCE_SEC)
    other = reopen(tmp_path)
    other.place.documents.put("jobs", "a", {"n": 7})
    with changed:
        assert changed.wait_for(lambda: seen[-1] == 7, PATIENCE_SEC)
    unsubscribe()


def test_a_listener_that_fails_does_not_silence_the_others(
    place: EmbeddedPlace, caplog: pytest.LogCaptureFixture
) -> None:
    """One broken page does not stop the progress bars of all."""
    told = threading.Event()

    def fail(document: Document | None) -> None:
        raise RuntimeError("broken page")

    endings = [
        place.place.documents.watch("jobs", "a", fail),
        place.place.documents.watch("jobs", "a", lambda document: told.set() if document else None),
    ]
    with caplog.at_level(logging.ERROR):
        place.place.documents.put("jobs", "a", {"n": 1})
        assert told.wait(PATIENCE_SEC)
    assert "broken page" in caplog.text
    for unsubscribe in endings:
        unsubscribe()


def test_after_its_end_a_watch_tells_nothing_more(place: EmbeddedPlace) -> None:
    """A page that was closed is not written to, though the change that closed it was meant for it, too."""
    documents = place.place.documents
    late: list[Document | None] = []
    started, told = threading.Event(), threading.Event()
    endings = []

    def close_the_other(document: Document | None) -> None:
        if document:
            endings[1]()
        else:
            started.set()

    endings.append(documents.watch("jobs", "a", close_the_other))
    assert started.wait(PATIENCE_SEC)
    endings.append(documents.watch("jobs", "a", late.append))
    endings.append(documents.watch("jobs", "a", lambda document: told.set() if document else None))
    documents.put("jobs", "a", {})
    assert told.wait(PATIENCE_SEC)
    assert [document for document in late if document] == []
    for unsubscribe in endings:
        unsubscribe()


def test_a_watch_survives_a_database_that_cannot_be_read(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that follows a job sees its end although the database was locked for a moment."""
    monkeypatch.setattr(document_watcher, "PAUSE_SEC", 0.01)
    errors = [StorageUnavailable("storage_busy", "Locked.")] * 2
    change_marker = Database.change_marker

    def locked_at_first(self: Database) -> ChangeMarker:
        if errors:
            raise errors.pop()
        return change_marker(self)

    monkeypatch.setattr(Database, "change_marker", locked_at_first)
    seen = threading.Event()
    unsubscribe = place.place.documents.watch("jobs", "a", lambda document: seen.set())
    assert seen.wait(PATIENCE_SEC)
    unsubscribe()
    assert not errors
