"""Into which chunks a dataset's crawl is divided, and how many images each of them may keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from shared.datasets.url_lists import MAX_URLS
from shared.models.dataset import (
    Chunk,
    ChunkCounts,
    Dataset,
    Progress,
    SourceName,
    SourceProgress,
    Tally,
    ValidationProgress,
)
from shared.models.image import Level
from shared.models.job import Part, StageStatus

IMAGES_PER_CHUNK = 100
CHUNKS_PER_SEARCH = 10
MAX_CHUNKS = 500
SINGLE_PAGE_SOURCES = frozenset({SourceName.GOOGLE})
"""Sources that give all they have in one page: there is nothing to deal out."""
Search = tuple[SourceName, str | None]


def plan_chunks(dataset: Dataset) -> list[Chunk]:
    """Chunks in the order in which they are set off: the first of every search, then their second ones, and so on.

    The images wanted are shared out evenly among the searches: each keyword at each source is one, and all lists
    together another. What one search cannot give, others may, later: see `plan_next_round`.
    """
    listed_urls = sum(url_list.urls for url_list in dataset.lists)
    searches: list[Search] = [
        (source, keyword) for keyword in dataset.keywords for source in dataset.sources if source is not SourceName.LIST
    ]
    if listed_urls:
        searches.append((SourceName.LIST, None))
    shares = fair_shares(
        dataset.max_images, [None if name is not SourceName.LIST else listed_urls for name, _ in searches]
    )
    # A room of one chunk at least for each search.
    max_chunks_per_search = max(1, MAX_CHUNKS // max(1, len(searches)))
    chunks_by_search = [
        _create_chunks(
            search,
            None if search[0] is SourceName.LIST and share == listed_urls else share,
            min(max_chunks_per_search, _chunk_count(search, share, dataset)),
        )
        for search, share in zip(searches, shares, strict=True)
    ]
    longest = max(map(len, chunks_by_search), default=0)
    return [chunks[turn] for turn in range(longest) for chunks in chunks_by_search if turn < len(chunks)]


def _chunk_count(search: Search, share: int, dataset: Dataset) -> int:
    """Among how many chunks a search is dealt out."""
    if search[0] in SINGLE_PAGE_SOURCES:
        return 1
    if search[0] is SourceName.LIST:
        return sum(url_list.pages for url_list in dataset.lists)
    return max(1, min(CHUNKS_PER_SEARCH, -(-share // IMAGES_PER_CHUNK)))


def _create_chunks(search: Search, share: int | None, count: int) -> list[Chunk]:
    """With no share to keep to, when all that is named is wanted, each chunk keeps what it gets."""
    source, keyword = search
    quotas = [MAX_URLS] * count if share is None else fair_shares(share, [None] * count)
    return [
        Chunk(source=source, keyword=keyword, first=first, stride=count, page=first, quota=quota)
        for first, quota in enumerate(quotas, start=1)
    ]


def plan_next_round(target_count: int, chunks: Sequence[Chunk], failed: Collection[int] = ()) -> dict[int, int]:
    """Which chunks go on, by their places, and how many images each may keep then, so that `wanted` are kept in all.

    What is missing is shared out as the first time. None go on when there are enough, or no source has more.
    `failed` chunks wait for a retry.
    """
    missing = target_count - sum(chunk.tally.downloaded for chunk in chunks)
    open_searches: dict[Search, list[int]] = {}
    for number, chunk in enumerate(chunks):
        if not chunk.exhausted and number not in failed:
            open_searches.setdefault((chunk.source, chunk.keyword), []).append(number)
    new_quotas: dict[int, int] = {}
    if missing > 0:
        shares = fair_shares(missing, [None] * len(open_searches))
        for share, numbers in zip(shares, open_searches.values(), strict=True):
            for number, part in zip(numbers, fair_shares(share, [None] * len(numbers)), strict=True):
                if part:
                    new_quotas[number] = chunks[number].tally.downloaded + part
    return new_quotas


def fair_shares(total: int, most: Sequence[int | None]) -> list[int]:
    """`total` in whole shares that differ by one at most; but none is more than its `most`, if it has one.

    Max-min fairness by filling up: whoever can take less than an equal share takes all it can, and the others share
    the rest. Of equal claims the first get the odd ones; what nobody can take is left over.
    """
    shares = [0] * len(most)
    limits = [total if limit is None else min(limit, total) for limit in most]
    remaining = total
    for served, index in enumerate(sorted(range(len(most)), key=limits.__getitem__)):
        shares[index] = min(-(-remaining // (len(most) - served)), limits[index])
        remaining -= shares[index]
    return shares


NOT_NEEDED, CHUNK_FAILED = "not_needed", "chunk_failed"
"""Reasons for candidates that nobody looked at: there were enough images, or their chunk failed."""


def crawl_progress(parts: Sequence[Part], *, ended: bool = False) -> Progress:
    """Of the stage `crawl`. Once it has `ended`, whatever was not settled is rejected for a reason, too."""
    sources: dict[str, SourceProgress] = {}
    for part in parts:
        chunk = Chunk.read(part.outcome or {})
        source = sources.setdefault(chunk.source, SourceProgress())
        source.add(final_tally(chunk, part.status) if ended else chunk.tally)
        count_part(source.chunks, part)
        if part.error and all(part.error.code != error.code for error in source.errors):
            source.errors.append(part.error)
    return Progress(
        stage="crawl",
        chunks=chunk_counts(parts),
        images=Tally.total(sources.values()),
        sources=dict(sorted(sources.items())),
    )


def final_tally(chunk: Chunk, status: StageStatus) -> Tally:
    unsettled = chunk.tally.found - chunk.tally.final_count
    if not unsettled:
        return chunk.tally
    reason = CHUNK_FAILED if status is StageStatus.FAILED else NOT_NEEDED
    return chunk.tally.model_copy(update={"rejected": chunk.tally.rejected | {reason: unsettled}})


def validation_progress(before: Progress, level: Level, parts: Sequence[Part]) -> Progress:
    """Of the stage `validate`, over what the crawl has shown before."""
    findings: Counter[str] = Counter()
    validated = ValidationProgress(level=level, chunks=chunk_counts(parts))
    for part in parts:
        chunk_result = ValidationProgress.read({"level": level} | (part.outcome or {}))
        validated.checked += chunk_result.checked
        validated.accepted += chunk_result.accepted
        findings.update(chunk_result.findings)
    validated.findings = dict(findings)
    return before.model_copy(update={"stage": "validate", "validated": validated})


def chunk_counts(parts: Sequence[Part]) -> ChunkCounts:
    counts = ChunkCounts()
    for part in parts:
        count_part(counts, part)
    return counts


def count_part(counts: ChunkCounts, part: Part) -> None:
    counts.total += 1
    match part.status:
        case StageStatus.DONE:
            counts.completed += 1
        case StageStatus.FAILED:
            counts.failed += 1
        case StageStatus.RUNNING:
            counts.active += 1
