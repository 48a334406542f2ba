"""Into which chunks a dataset's crawl is divided, and how many images each of them may keep."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shared.models.crawl import Chunk, Dataset, SourceName
from shared.sources.images.lists import MOST

IMAGES_PER_CHUNK = 100
CHUNKS_PER_SEARCH = 10
MOST_CHUNKS = 500

ONE_PAGE = frozenset({SourceName.GOOGLE})
"""Sources that give all they have in one page: there is nothing to deal out."""

Search = tuple[SourceName, str | None]


def plan_chunks(dataset: Dataset) -> list[Chunk]:
    """Chunks in the order in which they are set off: the first of every search, then their second ones, and so on.

    The images wanted are shared out evenly among the searches: each keyword at each source is one, and all lists
    together another. What one search cannot give, others may, later: see `another_round`.
    """
    listed = sum(each.urls for each in dataset.lists)
    searches: list[Search] = [
        (source, keyword) for keyword in dataset.keywords for source in dataset.sources if source is not SourceName.LIST
    ]
    if listed:
        searches.append((SourceName.LIST, None))
    shares = fair_shares(dataset.max_images, [None if name is not SourceName.LIST else listed for name, _ in searches])
    # A room of one chunk at least for each search.
    most = max(1, MOST_CHUNKS // max(1, len(searches)))
    dealt = [
        _chunks(
            search,
            None if search[0] is SourceName.LIST and share == listed else share,
            min(most, _wanted(search, share, dataset)),
        )
        for search, share in zip(searches, shares, strict=True)
    ]
    longest = max(map(len, dealt), default=0)
    return [chunks[turn] for turn in range(longest) for chunks in dealt if turn < len(chunks)]


def _wanted(search: Search, share: int, dataset: Dataset) -> int:
    """Among how many chunks a search is dealt out."""
    if search[0] in ONE_PAGE:
        return 1
    if search[0] is SourceName.LIST:
        return sum(each.pages for each in dataset.lists)
    return max(1, min(CHUNKS_PER_SEARCH, -(-share // IMAGES_PER_CHUNK)))


def _chunks(search: Search, share: int | None, count: int) -> list[Chunk]:
    """With no share to keep to, when all that is named is wanted, each chunk keeps what it gets."""
    source, keyword = search
    quotas = [MOST] * count if share is None else fair_shares(share, [None] * count)
    return [
        Chunk(source=source, keyword=keyword, first=first, stride=count, page=first, quota=quota)
        for first, quota in enumerate(quotas, start=1)
    ]


def another_round(wanted: int, chunks: Sequence[Chunk], failed: Collection[int] = ()) -> dict[int, int]:
    """Which chunks go on, by their places, and how many images each may keep then, so that `wanted` are kept in all.

    What is missing is shared out as the first time. None go on when there are enough, or no source has more.
    `failed` chunks wait for a retry.
    """
    missing = wanted - sum(chunk.tally.downloaded for chunk in chunks)
    open_ones: dict[Search, list[int]] = {}
    for number, chunk in enumerate(chunks):
        if not chunk.exhausted and number not in failed:
            open_ones.setdefault((chunk.source, chunk.keyword), []).append(number)
    more: dict[int, int] = {}
    if missing > 0:
        shares = fair_shares(missing, [None] * len(open_ones))
        for share, numbers in zip(shares, open_ones.values(), strict=True):
            for number, part in zip(numbers, fair_shares(share, [None] * len(numbers)), strict=True):
                if part:
                    more[number] = chunks[number].tally.downloaded + part
    return more


def fair_shares(total: int, most: Sequence[int | None]) -> list[int]:
    """`total` in whole shares that differ by one at most; but none is more than its `most`, if it has one.

    Max-min fairness by filling up: whoever can take less than an equal share takes all it can, and the others share
    the rest. Of equal claims the first get the odd ones; what nobody can take is left over.
    """
    shares = [0] * len(most)
    limits = [total if limit is None else min(limit, total) for limit in most]
    left = total
    for done, n in enumerate(sorted(range(len(most)), key=limits.__getitem__)):
        shares[n] = min(-(-left // (len(most) - done)), limits[n])
        left -= shares[n]
    return shares
