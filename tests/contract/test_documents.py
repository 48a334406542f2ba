"""Documents: versions, compare-and-set, what they can hold, watches."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import AlreadyExists, Conflict
from shared.platform.ports import Document, Documents, Vector
from tests.patience import PATIENCE_SEC

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | TIMES
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
KEYS = TEXTS.filter(lambda key: not (key.startswith("__") and key.endswith("__"))) | st.just("$time")
MAPS = st.recursive(
    st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=3), max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=8,
)


def test_a_document_comes_back_as_it_was_stored(documents: Documents, fresh: str) -> None:
    """What a stage writes, the next stage reads."""
    version = documents.create(fresh, "a", {"title": "Käse", "n": 1})
    assert documents.get(fresh, "a") == Document("a", {"title": "Käse", "n": 1}, version)


def test_a_missing_document_is_none(documents: Documents, fresh: str) -> None:
    """Asking for a job that does not exist is an answer, not an error."""
    assert documents.get(fresh, "nothing") is None


def test_replace_takes_only_the_current_version(documents: Documents, fresh: str) -> None:
    """Of two changes made from the same state, the second is refused and nothing of the first is lost."""
    first = documents.create(fresh, "a", {"n": 1})
    second = documents.replace(fresh, "a", {"n": 2}, first)
    with pytest.raises(Conflict):
        documents.replace(fresh, "a", {"n": 3}, first)
    assert documents.get(fresh, "a") == Document("a", {"n": 2}, second)


def test_replace_replaces_the_whole_document(documents: Documents, fresh: str) -> None:
    """A field that was taken out is gone."""
    version = documents.create(fresh, "a", {"old": 1, "kept": {"x": 1, "y": 2}})
    documents.replace(fresh, "a", {"kept": {"x": 1}}, version)
    document = documents.get(fresh, "a")
    assert document is not None
    assert document.data == {"kept": {"x": 1}}


def test_replace_of_a_deleted_document_is_a_conflict(documents: Documents, fresh: str) -> None:
    """A stage that still runs cannot bring a deleted job back."""
    version = documents.create(fresh, "a", {})
    documents.delete(fresh, "a")
    with pytest.raises(Conflict):
        documents.replace(fresh, "a", {}, version)


def test_many_documents_are_changed_at_once(documents: Documents, fresh: str) -> None:
    """Of a page of jobs those that nobody changed meanwhile get the new fields; the others are named and stay."""
    versions = {id: documents.create(fresh, id, {"n": 0, "old": {"x": 1}}) for id in ("kept", "changed", "gone")}
    documents.put(fresh, "changed", {"n": 7})
    documents.delete(fresh, "gone")
    fields = {"n": None, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    changes = [Document(id, fields, version) for id, version in versions.items()]
    assert set(documents.update_many(fresh, changes)) == {"changed", "gone"}
    stored = {id: documents.get(fresh, id) for id in versions}
    assert {id: document and document.data for id, document in stored.items()} == {
        "kept": {"old": {"x": 1}, **fields},
        "changed": {"n": 7},
        "gone": None,
    }
    assert documents.update_many(fresh, []) == []
    with pytest.raises(ValueError, match="500"):
        documents.update_many(fresh, changes[:1] * 501)


def test_many_are_created_except_those_that_exist(documents: Documents, fresh: str) -> None:
    """Of several new documents those with a free id are stored, and the others are named and stay as they are."""
    documents.create(fresh, "b", {"n": 0})
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert documents.create_many(fresh, {id: {"at": at, "n": 1} for id in "abc"}) == ["b"]
    stored = {document.id: document.data["n"] for document in documents.query(fresh).documents}
    assert stored == {"a": 1, "b": 0, "c": 1}
    assert documents.create_many(fresh, {}) == []
    with pytest.raises(ValueError, match="500"):
        documents.create_many(fresh, {f"{n}": {} for n in range(501)})


def test_many_are_stored_over_whatever_was_there(documents: Documents, fresh: str) -> None:
    """Several documents are stored as `put` stores one, nested values and vectors included."""
    old = documents.create(fresh, "a", {"gone": True})
    data = {"deep": {"x": [1, {"y": None}]}, "vector": Vector((1.0, 0.0))}
    documents.put_many(fresh, {"a": data, "b": data})
    stored = [documents.get(fresh, id) for id in "ab"]
    assert [document and document.data for document in stored] == [data, data]
    with pytest.raises(Conflict):
        documents.replace(fresh, "a", {}, old)
    documents.put_many(fresh, {})
    with pytest.raises(ValueError, match="500"):
        documents.put_many(fresh, {f"{n}": {} for n in range(501)})


def test_expired_documents_are_deleted(documents: Documents, fresh: str) -> None:
    """What has expired goes, the oldest first and no more than is asked for; what lasts forever stays."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for days, id in ((-2, "oldest"), (-1, "old"), (0, "now"), (1, "later")):
        documents.put(fresh, id, {"expiresAt": now + timedelta(days=days)})
    documents.put(fresh, "never", {"expiresAt": None})
    assert documents.delete_expired(fresh, now, 1) == 1
    assert documents.get(fresh, "oldest") is None
    assert documents.delete_expired(fresh, now, 9) == 2
    assert {document.id for document in documents.query(fresh).documents} == {"later", "never"}


def test_a_version_is_never_used_twice(documents: Documents, fresh: str) -> None:
    """A document deleted and made anew is not mistaken for the old one."""
    old = documents.create(fresh, "a", {"n": 1})
    documents.delete(fresh, "a")
    new = documents.create(fresh, "a", {"n": 1})
    assert new != old
    with pytest.raises(Conflict):
        documents.replace(fresh, "a", {"n": 2}, old)


def test_put_stores_over_whatever_was_there(documents: Documents, fresh: str) -> None:
    """The results of a second run take the place of the first run's."""
    first = documents.put(fresh, "a", {"n": 1, "x": 1})
    second = documents.put(fresh, "a", {"n": 2})
    assert first != second
    assert documents.get(fresh, "a") == Document("a", {"n": 2}, second)


def test_delete_of_a_missing_document_is_no_error(documents: Documents, fresh: str) -> None:
    """Deleting twice is the same as deleting once."""
    documents.create(fresh, "a", {})
    documents.delete(fresh, "a")
    documents.delete(fresh, "a")
    assert documents.get(fresh, "a") is None


def test_create_lets_exactly_one_of_fifty_through(documents: Documents, fresh: str) -> None:
    """Fifty requests with one idempotency key make one job."""

    def attempt(n: int) -> bool:
        try:
            documents.create(fresh, "lock", {"by": n})
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        won = [n for n, success in enumerate(pool.map(attempt, range(50))) if success]
    document = documents.get(fresh, "lock")
    assert document is not None
    assert won == [document.data["by"]]


def test_fifty_writers_of_one_document_lose_nothing(documents: Documents, fresh: str) -> None:
    """Fifty parts of a fan-out that report at the same time are all counted."""
    documents.create(fresh, "counter", {"seen": []})

    def report(n: int) -> None:
        while True:
            document = documents.get(fresh, "counter")
            assert document is not None
            try:
                documents.replace(fresh, "counter", {"seen": [*document.data["seen"], n]}, document.version)
            except Conflict:
                time.sleep(random.uniform(0, 0.02))
            else:
                return

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(report, range(50)))
    document = documents.get(fresh, "counter")
    assert document is not None
    assert sorted(document.data["seen"]) == list(range(50))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=MAPS)
def test_every_value_comes_back_with_its_type(documents: Documents, fresh: str, data: dict[str, Any]) -> None:
    """Whatever a video's title or a user's options hold comes back as the same value of the same type."""
    documents.put(fresh, "a", data)
    document = documents.get(fresh, "a")
    assert document is not None
    assert document.data == data
    assert _types(document.data) == _types(data)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_types(item) for item in value]
    return type(value)


def test_times_come_back_aware_and_in_utc(documents: Documents, fresh: str) -> None:
    """A time written in any zone is read as the same moment in UTC, to the microsecond."""
    moment = datetime(2026, 3, 1, 23, 59, 59, 123456, timezone(timedelta(hours=-7)))
    documents.put(fresh, "a", {"at": moment})
    document = documents.get(fresh, "a")
    assert document is not None
    assert document.data["at"] == moment
    assert document.data["at"].utcoffset() == timedelta(0)


def test_an_enumeration_is_stored_as_its_text(documents: Documents, fresh: str) -> None:
    """A job's status reads as plain text for frontends."""

    class Colour(StrEnum):
        RED = "red"

    documents.put(fresh, "a", {"colour": Colour.RED})
    document = documents.get(fresh, "a")
    assert document is not None
    assert document.data == {"colour": "red"}


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),
        float("nan"),
        float("inf"),
        2**63,
        [[1]],
        {"a": {1: "x"}},
        {"": 1},
        {"__a__": 1},
        object(),
        "lone \ud800 surrogate",
    ],
    ids=[
        "naive time",
        "nan",
        "infinity",
        "65 bits",
        "list in list",
        "key",
        "empty key",
        "reserved key",
        "object",
        "surrogate",
    ],
)
def test_what_no_place_can_hold_is_refused(documents: Documents, fresh: str, value: Any) -> None:
    """A mistake in the code is found on one's own machine, not in the cloud."""
    with pytest.raises(ValueError):  # noqa: PT011
        documents.put(fresh, "a", {"x": value})
    assert documents.get(fresh, "a") is None


def test_a_document_over_one_mebibyte_is_refused(documents: Documents, fresh: str) -> None:
    """The limit of the cloud holds everywhere."""
    with pytest.raises(ValueError):  # noqa: PT011
        documents.put(fresh, "a", {"x": "x" * (1 << 20)})


def test_an_id_with_a_slash_is_refused(documents: Documents, fresh: str) -> None:
    """An id cannot reach into another collection."""
    with pytest.raises(ValueError):  # noqa: PT011
        documents.create(fresh, "a/b", {})


class Seen:
    """What a watch has told."""

    def __init__(self) -> None:
        self.states: list[Any] = []
        self.changed = threading.Condition()

    def __call__(self, document: Document | None) -> None:
        with self.changed:
            self.states.append(document and document.data.get("n"))
            self.changed.notify_all()

    def until(self, check: Callable[[list[Any]], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: check(self.states), PATIENCE_SEC), self.states


def test_a_watch_tells_of_now_and_of_the_last_change(documents: Documents, fresh: str) -> None:
    """A frontend that listens sees where the job stands, and where it ends, in order."""
    seen = Seen()
    version = documents.create(fresh, "a", {"n": 0})
    unsubscribe = documents.watch(fresh, "a", seen)
    try:
        seen.until(lambda states: states == [0])
        for n in range(1, 30):
            version = documents.replace(fresh, "a", {"n": n}, version)
        seen.until(lambda states: states[-1] == 29)
        assert seen.states == sorted(seen.states)
    finally:
        unsubscribe()


def test_a_watch_tells_of_creation_and_deletion(documents: Documents, fresh: str) -> None:
    """A frontend may listen before the document is there, and learns that it was deleted."""
    seen = Seen()
    unsubscribe = documents.watch(fresh, "a", seen)
    try:
        seen.until(lambda states: states == [None])
        documents.create(fresh, "a", {"n": 1})
        seen.until(lambda states: states == [None, 1])
        documents.delete(fresh, "a")
        seen.until(lambda states: states == [None, 1, None])
    finally:
        unsubscribe()


def test_a_watch_can_be_ended_from_its_own_callback(documents: Documents, fresh: str) -> None:
    """A listener that has seen the end stops listening, and other listeners go on."""
    other = Seen()
    first_only = Seen()
    subscribed = threading.Event()
    endings: list[Callable[[], None]] = []

    def once(document: Document | None) -> None:
        subscribed.wait(PATIENCE_SEC)
        endings[0]()
        first_only(document)

    version = documents.create(fresh, "a", {"n": 1})
    endings.append(documents.watch(fresh, "a", once))
    subscribed.set()
    first_only.until(lambda states: states == [1])
    unsubscribe = documents.watch(fresh, "a", other)
    try:
        documents.replace(fresh, "a", {"n": 2}, version)
        other.until(lambda states: states[-1:] == [2])
        assert first_only.states == [1]
    finally:
        unsubscribe()
        unsubscribe()


def test_many_watches_each_see_their_own_document(documents: Documents, fresh: str) -> None:
    """Forty open pages each follow their own job to its end."""
    seen = {f"d{n}": Seen() for n in range(40)}
    endings = [documents.watch(fresh, id, watcher) for id, watcher in seen.items()]
    try:
        for n, id in enumerate(seen):
            documents.put(fresh, id, {"n": n})
        for n, watcher in enumerate(seen.values()):
            watcher.until(lambda states, n=n: states[-1:] == [n])  # type: ignore[misc]
    finally:
        for unsubscribe in endings:
            unsubscribe()
