"""Requests that one process counts in its memory."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from functions.api.window_counters import WindowCounters
from shared.platform.rate_limits import RateLimit

LIMIT = RateLimit(3, 60)


class Time:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_window_begins_with_the_first_request_and_ends() -> None:
    """A client that has used up its limit learns when to come again, and may go on then."""
    time = Time()
    counters = WindowCounters(now=time)
    standings = []
    for time.seconds in (0, 10, 20.5, 59.5, 60):
        standings.append(counters.count("general", "ann", LIMIT))
    assert [(each.remaining, each.reset_sec, each.within_limit) for each in standings] == [
        (2, 60, True),
        (1, 50, True),
        (0, 40, True),
        (0, 1, False),
        (2, 60, True),
    ]


@given(st.lists(st.tuples(st.sampled_from(["general", "key"]), st.sampled_from("abc")), max_size=40))
def test_each_client_has_its_own_count_for_each_policy(requests: list[tuple[str, str]]) -> None:
    """Whoever else sends requests, and in whatever order, exactly the permitted number of a client's pass."""
    counters = WindowCounters(now=lambda: 0)
    passed = Counter(request for request in requests if counters.count(*request, LIMIT).within_limit)
    assert passed == {request: min(LIMIT.count, count) for request, count in Counter(requests).items()}


@given(st.integers(2, 50), st.lists(st.integers(0, 200), max_size=300))
def test_memory_is_bounded_however_many_clients_there_are(capacity: int, clients: list[int]) -> None:
    """A flood from many addresses fills no memory, and the window of the latest client is always counted."""
    time = Time()
    counters = WindowCounters(capacity, now=time)
    for time.seconds, client in enumerate(clients):
        first = counters.count("general", str(client), LIMIT)
        assert counters.count("general", str(client), LIMIT).remaining == max(0, first.remaining - 1)
        assert len(counters._windows) <= capacity
