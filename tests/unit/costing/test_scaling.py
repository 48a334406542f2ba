"""Which limit a rate of jobs meets first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.costing.scaling import Limit, advice, limits, needs, published, simulate

POOL = {"firestore_ops": Limit("firestore_ops", 500, 1.5, 5), "instances of extract": Limit("instances of extract", 50)}


def test_the_tightest_limit_is_named_with_its_load() -> None:
    """50 instances that each take 6 s do 500 jobs a minute: 1 000 are twice too many, whatever Firestore bears."""
    outcome = simulate(1000, {"firestore_ops": 10, "instances of extract": 6}, POOL)
    assert outcome.first == "instances of extract"
    assert outcome.load["instances of extract"] == 2
    assert outcome.held == {"instances of extract": 60}
    assert outcome.waiting == 30_000
    assert outcome.longest_wait_min == 60


def test_a_limit_that_grows_holds_jobs_up_only_for_a_while() -> None:
    """Firestore's 500/50/5: twice the first allowance is granted after ten minutes, and then the backlog goes."""
    outcome = simulate(6000, {"firestore_ops": 10}, POOL)
    assert 10 <= outcome.held["firestore_ops"] < 40
    assert outcome.waiting == 0
    assert POOL["firestore_ops"].at(10) == 1125


@given(st.floats(0.1, 1e5), st.floats(0.1, 100), st.floats(0.1, 100))
def test_more_jobs_never_wait_less(rate: float, documents: float, seconds: float) -> None:
    """Doubling the rate never empties the queue."""
    need = {"firestore_ops": documents, "instances of extract": seconds}
    assert simulate(2 * rate, need, POOL).waiting >= simulate(rate, need, POOL).waiting


def test_every_limit_has_a_date_and_something_to_be_done() -> None:
    """Whichever limit is met, the document says what to raise; the wiring's own limits are among them."""
    assert published()["as_of"]
    assert published()["sources"]
    assert all(advice(name) for name in limits())
    assert limits()["instances of extract"].per_sec > 0
    assert needs({"extract": {"reads": 2, "writes": 3, "runs": 1, "cpu": 1}}, None, {})["firestore_ops"] == 5
