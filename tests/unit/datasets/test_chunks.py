"""How a dataset's images are shared out among keywords, sources and chunks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.chunks import MAX_CHUNKS, fair_shares, plan_chunks, plan_next_round
from shared.models.dataset import Chunk, Dataset, SourceName, Tally, UrlList

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BING, OPENVERSE, GOOGLE, LIST = SourceName.BING, SourceName.OPENVERSE, SourceName.GOOGLE, SourceName.LIST


def dataset(images: int, keywords: list[str], sources: list[SourceName], *lists: int) -> Dataset:
    return Dataset(
        id="d",
        owner="ann",
        name="Dogs",
        keywords=keywords,
        sources=sources,
        max_images=images,
        lists=[UrlList(id=str(number), urls=count) for number, count in enumerate(lists)],
        created_at=NOW,
        updated_at=NOW,
    )


@given(st.integers(0, 10_000), st.lists(st.none() | st.integers(0, 2000), max_size=20))
def test_shares_are_fair(total: int, most: list[int | None]) -> None:
    """All that can be taken is taken, nobody gets more than they can take, and who gets less than others could not."""
    shares = fair_shares(total, most)
    limits = [total if limit is None else limit for limit in most]
    assert sum(shares) == min(total, sum(limits))
    assert all(0 <= share <= limit for share, limit in zip(shares, limits, strict=True))
    best = max(shares, default=0)
    assert all(share >= best - 1 or share == limit for share, limit in zip(shares, limits, strict=True))


@given(st.integers(1, 20_000), st.integers(0, 30), st.integers(1, 4), st.lists(st.integers(1, 30_000), max_size=2))
def test_a_plan_gives_each_chunk_pages_of_its_own(images: int, keywords: int, sources: int, lists: list[int]) -> None:
    """No page is read by two chunks, every page by one, and no more images are planned than are wanted."""
    plan_input = dataset(
        images, [str(n) for n in range(keywords)], [BING, OPENVERSE, GOOGLE, SourceName.DUCKDUCKGO][:sources], *lists
    )
    chunks = plan_chunks(plan_input)
    assert len(chunks) <= max(MAX_CHUNKS, keywords * sources + 1)
    searches: dict[tuple[SourceName, str | None], list[Chunk]] = {}
    for chunk in chunks:
        searches.setdefault((chunk.source, chunk.keyword), []).append(chunk)
    for search_chunks in searches.values():
        assert sorted(chunk.first for chunk in search_chunks) == list(range(1, len(search_chunks) + 1))
        assert {chunk.stride for chunk in search_chunks} == {len(search_chunks)}
        assert all(chunk.page == chunk.first for chunk in search_chunks)
    searched = [chunk for chunk in chunks if chunk.source is not LIST]
    assert sum(chunk.quota for chunk in searched) <= images


def test_keywords_and_sources_have_equal_shares() -> None:
    """A hundred images of two keywords at two engines are twenty-five of each."""
    chunks = plan_chunks(dataset(100, ["husky", "samoyed"], [BING, OPENVERSE]))
    assert [chunk.quota for chunk in chunks] == [25] * 4


def test_a_short_list_leaves_its_share_to_others() -> None:
    """What a list cannot give, the searches get from the beginning."""
    chunks = plan_chunks(dataset(100, ["husky"], [BING], 10))
    assert sum(chunk.quota for chunk in chunks if chunk.source is BING) == 90


def test_a_list_is_read_in_pieces() -> None:
    """Ten thousand addresses are a hundred chunks, all of which may be kept."""
    chunks = plan_chunks(dataset(10_000, [], [BING], 10_000))
    assert len(chunks) == 100
    assert all(chunk.quota >= 100 for chunk in chunks)


def test_the_first_chunks_of_all_searches_come_first() -> None:
    """Nobody waits for another keyword to be finished."""
    chunks = plan_chunks(dataset(1000, ["husky", "samoyed"], [BING]))
    assert {chunk.keyword for chunk in chunks[:2]} == {"husky", "samoyed"}


def chunk(source: SourceName, downloaded: int, exhausted: bool) -> Chunk:
    return Chunk(
        source=source, keyword="dog", page=1, quota=50, exhausted=exhausted, tally=Tally(downloaded=downloaded)
    )


def test_who_has_more_makes_up_for_who_has_not() -> None:
    """What one source could not give is asked of those that go on, and of no failed chunk."""
    chunks = [chunk(BING, 10, True), chunk(OPENVERSE, 50, False), chunk(GOOGLE, 0, False)]
    assert plan_next_round(100, chunks, failed=[2]) == {1: 90}
    assert plan_next_round(100, chunks) == {1: 70, 2: 20}


@pytest.mark.parametrize("chunks", [[chunk(BING, 50, False), chunk(BING, 50, False)], [chunk(BING, 3, True)], []])
def test_there_is_no_other_round_without_need_or_hope(chunks: list[Chunk]) -> None:
    """A crawl ends when there are enough images, and when no source has more."""
    assert plan_next_round(100, chunks) == {}
