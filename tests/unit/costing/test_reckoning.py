"""What counted operations cost, by the dated table."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.costing.reckoning import Talk, billed_seconds, infrastructure_usd, table, vcpus
from benchmarks.costing.resting import always
from benchmarks.costing.wire import classed
from infra.reference import fill_markers
from shared.wiring import wiring

COUNTS = st.dictionaries(
    st.sampled_from(["reads", "writes", "deletes", "class_a", "class_b", "message bytes", "stored media", "runs"]),
    st.integers(0, 10**6),
)


def test_prices_are_dated_and_cost_what_the_list_says() -> None:
    """100 000 reads cost three cents, 1 000 class A operations half a cent, a TiB of messages 40 dollars."""
    assert isinstance(table()["as_of"], date)
    usd = infrastructure_usd({"persist": {"reads": 1e5, "class_a": 1000, "message bytes": 2**40}}, {})
    assert usd["documents"] == pytest.approx(0.03)
    assert usd["objects"] == pytest.approx(0.005)
    assert usd["messages"] == pytest.approx(40, rel=0.001)


def test_what_rests_is_reckoned_from_the_list() -> None:
    """A tick a minute stays within the free allowance, and one that reads ten times as much does not."""
    for reads, covered in ((9, "yes"), (90, "no")):
        rows = always({"reads": reads, "runs": 1, "message bytes": 2000})
        documents = next(row for row in rows if row[0] == "its documents")
        assert documents[2:] == (f"{reads * 43_200 * 0.03e-5:.2f}", covered)


@given(COUNTS, COUNTS)
def test_more_operations_never_cost_less(few: dict[str, int], more: dict[str, int]) -> None:
    """Whatever is added to a job, no part of its cost goes down."""
    both = {name: few.get(name, 0) + more.get(name, 0) for name in few.keys() | more.keys()}
    less, greater = (infrastructure_usd({"extract": units}, {}) for units in (few, both))
    assert all(less[part] <= greater[part] + 1e-12 for part in less)


def test_time_is_billed_in_tenths_and_longer_on_a_share_of_a_processor() -> None:
    """Two seconds of computing are two on a whole processor, six on a third of one, none where nothing ran."""
    whole, third = wiring().functions["extract"], wiring().functions["transcribe"]
    assert (vcpus(whole), vcpus(third)) == (1.0, 0.333)
    assert billed_seconds(whole, {"cpu": 2.0, "runs": 1}) == pytest.approx(2.0)
    assert billed_seconds(third, {"cpu": 2.0, "runs": 1}) == pytest.approx(6.1)
    assert billed_seconds(whole, {"cpu": 0.01, "runs": 1}) == pytest.approx(0.1)
    assert billed_seconds(whole, {}) == 0


def test_a_model_is_paid_for_what_it_sees_reads_and_says() -> None:
    """A minute of video at Gemini's 300 tokens a second; a minute of speech at Whisper's price by the minute."""
    seen = Talk("gemini-3.5-flash-lite", requests=1, chars_in=4000, chars_out=4000, video_sec=60)
    assert (seen.tokens_in, seen.tokens_out) == (19_000, 1000)
    assert seen.usd == pytest.approx(19_000 * 0.30e-6 + 1000 * 2.50e-6)
    assert Talk("gpt-5.4-mini", requests=1, audio_sec=60, heard_by="whisper-1").usd == pytest.approx(0.006)


def test_requests_to_storage_are_classed_as_the_price_list_has_it() -> None:
    """Inserts, rewrites and lists are class A, looks and reads class B, the pieces of an upload belong to its start."""
    assert classed("POST", "/upload/storage/v1/b/x/o?uploadType=resumable") == "class_a"
    assert classed("PUT", "/upload/storage/v1/b/x/o?upload_id=1") is None
    assert classed("GET", "/storage/v1/b/x/o?prefix=a") == "class_a"
    assert classed("GET", "/download/storage/v1/b/x/o/a%2Fb?alt=media") == "class_b"
    assert classed("DELETE", "/storage/v1/b/x/o/a") == "object deletes"


def test_the_document_gets_every_table_once() -> None:
    """Tables go between their marks; a document that lacks one is refused."""
    assert (
        fill_markers("scale.md", "a\n<!-- t -->\nold\n<!-- /t -->\n", {"t": "new"})
        == "a\n<!-- t -->\nnew\n<!-- /t -->\n"
    )
    with pytest.raises(ValueError, match="0 places"):
        fill_markers("scale.md", "nothing", {"t": "new"})
