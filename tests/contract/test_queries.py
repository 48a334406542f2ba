"""Queries over documents, against a model in plain Python."""

from __future__ import annotations

import base64
import json
import operator
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.platform.ports import Documents, Filter, Order

MISSING = object()
START = datetime(2026, 1, 1, tzinfo=UTC)
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def every(documents: Documents, collection: str, filters: Sequence[Filter], order: Sequence[Order], limit: int) -> Any:
    """Ids of all pages, in order."""
    ids: list[str] = []
    cursor = None
    while True:
        page = documents.query(collection, filters, order, limit, cursor)
        assert len(page.documents) <= limit
        ids += [document.id for document in page.documents]
        if page.cursor is None:
            return ids
        assert page.documents
        cursor = page.cursor


def field(data: dict[str, Any], path: str) -> Any:
    value: Any = data
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return value


def kind(value: Any) -> int:
    """Types in Firestore's order."""
    for rank, types in enumerate([type(None), bool, (int, float), datetime, str, list, dict]):
        if isinstance(value, types):  # type: ignore[arg-type]
            return rank
    raise AssertionError(value)


def matches(data: dict[str, Any], condition: Filter) -> bool:
    path, op, wanted = condition
    value = field(data, path)
    if value is MISSING:
        return False
    if op == "in":
        return any(matches(data, (path, "==", item)) for item in wanted)
    if op == "array_contains":
        return (
            isinstance(value, list)
            and wanted is not None
            and any(kind(item) == kind(wanted) and item == wanted for item in value)
        )
    if kind(value) != kind(wanted):
        return False
    return value == wanted if op == "==" else wanted is not None and bool(COMPARE[op](value, wanted))


def model(stored: dict[str, dict[str, Any]], filters: Sequence[Filter], order: Sequence[Order]) -> list[str]:
    def compare(one: str, other: str) -> int:
        for path, direction in order:
            a, b = field(stored[one], path), field(stored[other], path)
            if kind(a) != kind(b):
                less = kind(a) < kind(b)
            elif a is None or a == b:
                continue
            else:
                less = a < b
            return (-1 if less else 1) * (1 if direction == "asc" else -1)
        last = order[-1][1] if order else "asc"
        return ((one > other) - (one < other)) * (1 if last == "asc" else -1)

    found = [
        id
        for id, data in stored.items()
        if all(matches(data, condition) for condition in filters)
        and all(field(data, path) is not MISSING for path, _ in order)
    ]
    return sorted(found, key=cmp_to_key(compare))


# Few values, so that ties and matches are frequent; NUL and its neighbours, since C ends texts there.
VALUES = st.sampled_from(
    [None, False, True, -1, 0, 1, 1.0, 1.5, 2**53 + 1, "", "a", "a\0", "a\0b", "a\1", "b", "ä", "😀"]
) | st.integers(0, 3).map(lambda n: START + timedelta(microseconds=n))
FIELDS = ("a", "b", "m.x")
IDS = st.text("abcXYZ019_-ä", min_size=1, max_size=3)
DIRECTIONS = st.sampled_from(["asc", "desc"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, dict[str, Any]], list[Filter], list[Order]]:
    """Documents and a query; both of few values, so that they meet often."""
    value = st.sampled_from(draw(st.lists(VALUES, min_size=2, max_size=4)))
    here = st.one_of(value, value, value, st.just(MISSING))
    stored = {}
    for id in draw(st.lists(IDS, max_size=12, unique=True)):
        data = {"a": draw(here), "b": draw(here), "m": draw(here | st.fixed_dictionaries({"x": value}))}
        data["list"] = draw(st.lists(value, max_size=3) | here)
        stored[id] = {name: item for name, item in data.items() if item is not MISSING}
    order: list[Order] = [(path, draw(DIRECTIONS)) for path in draw(st.permutations(FIELDS))[: draw(st.integers(0, 3))]]
    filters: list[Filter] = []
    match draw(st.sampled_from([None, None, "==", "in", "array_contains"])):
        case "==":
            filters.append((draw(st.sampled_from(FIELDS)), "==", draw(value)))
        case "in":
            filters.append((draw(st.sampled_from(FIELDS)), "in", draw(st.lists(value, max_size=3))))
        case "array_contains":
            filters.append(("list", "array_contains", draw(value.filter(lambda item: item is not None))))
    if draw(st.booleans()):
        # The portable form: a query with an inequality orders by its field first.
        path = draw(st.sampled_from(FIELDS))
        filters.append((path, draw(st.sampled_from(["<", "<=", ">", ">="])), draw(value)))
        order = [(path, draw(DIRECTIONS)), *[part for part in order if part[0] != path]]
    return stored, filters, order


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(), limit=st.integers(1, 5))
def test_pages_are_what_a_plain_model_says(documents: Documents, case: Any, limit: int) -> None:
    """Whatever is stored, a list shows each document that fits exactly once, in the asked order, page by page."""
    stored, filters, order = case
    collection = f"q{uuid.uuid4().hex}"
    for id, data in stored.items():
        documents.put(collection, id, data)
    assert every(documents, collection, filters, order, limit) == model(stored, filters, order)


@given(case=cases(), limit=st.integers(1, 5))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_what_a_plain_model_says(documents: Documents, case: Any, limit: int) -> None:
    """An operator's numbers are right, and stop at the limit."""
    stored, filters, _ = case
    equalities = [each for each in filters if each[1] in ("==", "in")]
    collection = f"counted-{uuid.uuid4().hex}"
    for id, data in stored.items():
        documents.create(collection, id, data)
    assert documents.count(collection, equalities, limit) == min(limit, len(model(stored, equalities, [])))


@pytest.mark.parametrize("first", ["asc", "desc"])
@pytest.mark.parametrize("second", ["asc", "desc"])
def test_orders_of_any_directions_page_rightly(documents: Documents, fresh: str, first: Any, second: Any) -> None:
    """A list by kind and then by age, each up or down, loses nothing between its pages, ties included."""
    stored = {f"d{n:02}": {"a": n % 2, "b": n // 4} for n in range(12)}
    for id, data in stored.items():
        documents.put(fresh, id, data)
    order: list[Order] = [("a", first), ("b", second)]
    assert every(documents, fresh, [], order, 2) == model(stored, [], order)


def test_texts_that_share_a_beginning_stay_apart(documents: Documents, fresh: str) -> None:
    """A title with a NUL in it is neither cut there nor taken for another."""
    texts = ["", "\0", "\0\0", "\1", "a", "a\0", "a\0b", "a\1", "a\1\1", "a\1\2", "a\2", "ab"]
    for n, text in enumerate(texts):
        documents.put(fresh, f"d{n:02}", {"t": text})
    for n, text in enumerate(texts):
        assert every(documents, fresh, [("t", "==", text)], [], 9) == [f"d{n:02}"]
    assert every(documents, fresh, [], [("t", "asc")], 5) == [f"d{n:02}" for n in range(12)]


def test_a_collection_does_not_show_anothers_documents(documents: Documents, fresh: str) -> None:
    """A list of jobs holds jobs only."""
    documents.put(fresh, "a", {})
    documents.put(fresh + "x", "b", {})
    assert every(documents, fresh, [], [], 10) == ["a"]


def test_times_order_as_moments(documents: Documents, fresh: str) -> None:
    """The newest job stands first, down to the microsecond and over the year's end."""
    times = [START + timedelta(microseconds=n) for n in (-1, 0, 1, 999_999, 1_000_000)]
    for n, time in enumerate(times):
        documents.put(fresh, f"d{n}", {"at": time})
    assert every(documents, fresh, [], [("at", "desc")], 2) == ["d4", "d3", "d2", "d1", "d0"]
    assert every(documents, fresh, [("at", "<", START)], [("at", "asc")], 2) == ["d0"]


def test_none_is_equal_to_none_and_less_than_nothing(documents: Documents, fresh: str) -> None:
    """A job that is not to be woken (`wakeAt` None) is never due."""
    documents.put(fresh, "never", {"wakeAt": None})
    documents.put(fresh, "due", {"wakeAt": START})
    documents.put(fresh, "lacks", {})
    assert every(documents, fresh, [("wakeAt", "<=", START)], [("wakeAt", "asc")], 9) == ["due"]
    assert every(documents, fresh, [("wakeAt", "==", None)], [], 9) == ["never"]
    assert every(documents, fresh, [("wakeAt", "<=", None)], [("wakeAt", "asc")], 9) == []
    assert every(documents, fresh, [], [("wakeAt", "asc")], 9) == ["never", "due"]


def test_pages_stay_right_while_documents_come_and_go(documents: Documents, fresh: str) -> None:
    """Jobs added or removed between two pages make no other job appear twice or vanish."""
    for n in range(0, 10, 2):
        documents.put(fresh, f"d{n}", {"n": n})
    first = documents.query(fresh, [], [("n", "asc")], 2)
    documents.put(fresh, "d1", {"n": 1})
    documents.delete(fresh, "d2")
    documents.put(fresh, "d5", {"n": 5})
    rest = documents.query(fresh, [], [("n", "asc")], 9, first.cursor)
    assert [document.id for document in first.documents] == ["d0", "d2"]
    assert [document.id for document in rest.documents] == ["d4", "d5", "d6", "d8"]


def test_the_last_page_has_no_cursor(documents: Documents, fresh: str) -> None:
    """A client knows when it has seen all, without asking for an empty page."""
    for n in range(4):
        documents.put(fresh, f"d{n}", {})
    page = documents.query(fresh, limit=2)
    assert page.cursor
    assert documents.query(fresh, limit=2, cursor=page.cursor).cursor is None
    assert documents.query(fresh + "x").cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "W10=", "bnVsbA==", "eyJhIjoxfQ=="])
def test_a_made_up_cursor_is_refused(documents: Documents, fresh: str, cursor: str) -> None:
    """A broken link to a page is an error that names the cursor, not a wrong page."""
    with pytest.raises(PermanentError, match="does not belong"):
        documents.query(fresh, [], [("n", "asc")], 2, cursor)


def test_a_cursor_of_another_query_is_refused(documents: Documents, fresh: str) -> None:
    """A cursor from a list of one form does not open a page of another."""
    for n in range(3):
        documents.put(fresh, f"d{n}", {"n": n, "m": n})
    cursor = documents.query(fresh, [], [("n", "asc")], 1).cursor
    for filters, order in ([[], [("m", "asc")]], [[], [("n", "desc")]], [[("m", "==", 1)], [("n", "asc")]]):
        with pytest.raises(PermanentError, match="does not belong"):
            documents.query(fresh, filters, order, 1, cursor)  # type: ignore[arg-type]


FORGED_KEYS = [[1], 2**70, {"x": 1}, {"time": "soon"}, "", "a/b", "..", "__x__", "x" * 1600, 7, None, True, 0.5]


@pytest.mark.parametrize("position", [-1, -2])
def test_forged_keys_in_a_cursor_are_refused_or_open_a_page(documents: Documents, fresh: str, position: int) -> None:
    """Whoever edits a cursor gets an error that names it, or a page; never a failure of the server."""
    for n in range(3):
        documents.put(fresh, f"d{n}", {"n": n})
    cursor = documents.query(fresh, [], [("n", "asc")], 1).cursor
    assert cursor
    keys = json.loads(base64.urlsafe_b64decode(cursor))
    for forged in FORGED_KEYS:
        keys[position] = forged
        text = base64.urlsafe_b64encode(json.dumps(keys).encode()).decode()
        try:
            assert len(documents.query(fresh, [], [("n", "asc")], 3, text).documents) <= 3
        except PermanentError as error:
            assert error.code == "bad_cursor"  # noqa: PT017  # both outcomes are right
