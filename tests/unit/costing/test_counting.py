"""The wrapped ports count what Google Cloud bills, and change nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.costing.counting import LEAST_MESSAGE, Ledger, counted
from benchmarks.costing.indexes import sequential_changes
from shared.errors import AlreadyExists
from shared.models.shard import SHARDS
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Place
from shared.settings import read_settings


@pytest.fixture
def place(tmp_path: Path) -> tuple[Place, Ledger]:
    ledger = Ledger()
    return counted(open_embedded_place(read_settings({"CLIPWISE_DATA": str(tmp_path)})).place, ledger), ledger


def test_documents_are_billed_by_what_is_read_written_and_deleted(place: tuple[Place, Ledger]) -> None:
    """A query costs what it finds and at least one read; a refused write costs nothing."""
    documents, ledger = place[0].documents, place[1]
    version = documents.create("jobs", "a", {"n": 1})
    with pytest.raises(AlreadyExists):
        documents.create("jobs", "a", {"n": 1})
    documents.replace("jobs", "a", {"n": 2}, version)
    documents.put("jobs", "b", {"n": 3})
    assert documents.get("jobs", "a") is not None
    assert len(documents.query("jobs", limit=1).documents) == 1
    assert not documents.query("jobs", [("n", "==", 9)]).documents
    documents.delete("jobs", "b")
    total = ledger.total()
    assert (total["writes"], total["reads"], total["deletes"]) == (3, 1 + 2 + 1, 1)
    assert total["writes jobs"] == 3


def test_objects_are_billed_by_class_and_tell_their_listeners(place: tuple[Place, Ledger], tmp_path: Path) -> None:
    """Writing and listing are class A, looking and reading class B, deleting is free; an upload is an event."""
    platform, ledger = place
    platform.objects.put("uploads", "x/source", b"12345", "video/mp4")
    assert platform.objects.stat("uploads", "x/source") is not None
    platform.objects.download("uploads", "x/source", tmp_path / "out")
    assert len(list(platform.objects.list("uploads"))) == 1
    platform.objects.delete("uploads", "x/source")
    total = ledger.total()
    assert (total["class_a"], total["class_b"], total["object deletes"], total["events"]) == (2, 2, 1, 1)
    assert (total["bytes in"], total["bytes out"], total["stored uploads"]) == (5, 5, 5)


def test_messages_are_billed_once_published_and_once_for_each_listener(place: tuple[Place, Ledger]) -> None:
    """However short, each costs as much as 1 000 bytes, both ways; counts go to the function that runs."""
    platform, ledger = place
    ledger.now = "extract"
    platform.bus.publish("analysis-completed", {"job": "a"})
    assert ledger.entries == {"extract": {"messages": 1, "pushes": 1, "message bytes": 2 * LEAST_MESSAGE}}


def test_what_only_tells_how_far_work_is_is_counted_apart(place: tuple[Place, Ledger]) -> None:
    """What follows the time that work takes can be told from what follows the work; it is in the sum all the same."""
    documents, ledger = place[0].documents, place[1]
    version = documents.create("jobs", "a", {"n": 1})
    with ledger.telling():
        documents.replace("jobs", "a", {"n": 2}, version)
    assert documents.get("jobs", "a") is not None
    total = ledger.total()
    assert (total["writes"], total["progress writes"], total["progress writes jobs"]) == (2, 1, 1)
    assert (total["reads"], total["progress reads"]) == (1, 0)


def test_a_write_counts_in_the_ranges_of_indexes_that_it_changes() -> None:
    """The model knows which write adds to a hot range: each change of an indexed time, shared among the shards."""
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    old = {"shard": 1, "status": "queued", "owner": "ann", "createdAt": early, "updatedAt": early, "wakeAt": early}
    assert sequential_changes("jobs", old, old | {"updatedAt": late}) == {}
    assert sequential_changes("jobs", old, old | {"wakeAt": late}) == {"index jobs shard wakeAt": 1 / SHARDS}
    changed = sequential_changes("jobs", old, old | {"status": "done"})
    assert changed == {"index jobs shard status createdAt": 1 / SHARDS}
    assert sequential_changes("departures", None, {"lookAt": late}) == {"index departures lookAt": 1.0}
