"""Counting what all instances share."""

from __future__ import annotations

import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.platform.rate_limits import RATES, RateLimit, RateLimited, count_request, parse_rate, rate_status
from tests.unit.pipeline.fault_simulation import temporary_documents

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("100/minute", RateLimit(100, 60)),
        ("1/second", RateLimit(1, 1)),
        ("5/hour", RateLimit(5, 3600)),
        ("999999/day", RateLimit(999_999, 86_400)),
        ("off", None),
    ],
)
def test_the_one_form_of_a_limit(text: str, meant: RateLimit | None) -> None:
    """A limit is a number and a unit of time, or off."""
    assert parse_rate(text) == meant


@pytest.mark.parametrize("text", ["0/minute", "100", "100/min", "100 per minute", "-1/day", "1.5/day", "OFF", "", "1/"])
def test_no_other_form_is_guessed_at(text: str) -> None:
    """A limit that could be misunderstood is none."""
    with pytest.raises(ValueError, match="100/minute"):
        parse_rate(text)


@given(
    moments=st.lists(st.floats(0, 300), min_size=1, max_size=40).map(sorted),
    allowed=st.builds(RateLimit, st.integers(1, 5), st.sampled_from([1, 60])),
)
def test_no_window_holds_more_than_allowed(
    moments: list[float], allowed: RateLimit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However requests fall, in each window as many pass as are allowed, and never fewer than came."""
    documents = temporary_documents(tmp_path_factory.mktemp("rates"))
    came: Counter[int] = Counter()
    passed: Counter[int] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for moment in moments:
            now = NOON + timedelta(seconds=moment)
            patch.setattr(clock, "now", lambda now=now: now)
            standing = count_request(documents, "start", "ann", allowed)
            number = int(now.timestamp()) // allowed.seconds
            came[number] += 1
            passed[number] += standing.within_limit
            assert standing.remaining == allowed.count - passed[number]
            assert 1 <= standing.reset_sec <= allowed.seconds
    assert passed == {number: min(times, allowed.count) for number, times in came.items()}


def test_many_at_once_are_counted_exactly(tmp_path: Path) -> None:
    """Of forty at the same moment exactly seven pass."""
    documents = temporary_documents(tmp_path)
    with ThreadPoolExecutor(20) as threads:
        standings = list(
            threads.map(lambda _: count_request(documents, "start", "ann", RateLimit(7, 86_400)), range(40))
        )

    assert sum(standing.within_limit for standing in standings) == 7
    assert sorted(standing.remaining for standing in standings if standing.within_limit) == list(range(7))


def test_looking_counts_nothing(tmp_path: Path) -> None:
    """Who only looks has as much left as before, and sees when there is nothing left."""
    documents = temporary_documents(tmp_path)
    allowed = RateLimit(1, 86_400)

    assert [rate_status(documents, "start", "ann", allowed).within_limit for _ in range(2)] == [True, True]
    count_request(documents, "start", "ann", allowed)
    assert not rate_status(documents, "start", "ann", allowed).within_limit
    assert rate_status(documents, "start", "bob", allowed).within_limit


def test_a_count_says_nothing_of_an_address(tmp_path: Path) -> None:
    """What is stored holds the number, its end and its owner; the address stands nowhere."""
    documents = temporary_documents(tmp_path)
    count_request(documents, "start", "address 192.0.2.7", RateLimit(1, 60))
    (stored,) = documents.query(RATES).documents

    assert "192.0.2.7" not in f"{stored}"
    assert stored.data.keys() == {"owner", "count", "expiresAt"}


def test_the_refusal_survives_between_processes() -> None:
    """The error keeps its time when it is handed on."""
    copy = pickle.loads(pickle.dumps(RateLimited("Too often.", 7)))  # noqa: S301  # our own bytes

    assert (copy.code, copy.message, copy.retry_after) == ("rate_limited", "Too often.", 7)
