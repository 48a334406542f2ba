"""Chunks of a dataset's crawl: planning, image quotas of each round, and progress counted from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from shared.models.dataset import (
    MAX_URLS,
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
"""Sources that return all results as one page, so that one chunk reads them."""
NOT_NEEDED, CHUNK_FAILED = "not_needed", "chunk_failed"
"""Reasons of candidates that were not processed: there were enough images, or their chunk failed."""
Search = tuple[SourceName, str | None]


def plan_chunks(dataset: Dataset) -> list[Chunk]:
    """Return chunks in the order in which they start: the first chunk of every search, then the second ones, and so on.

    The wanted images are shared evenly among the searches. Each keyword at each source is a search, and all lists
    together are another. `plan_next_round` reassigns what a search could not provide.
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
    # Each search gets at least one chunk.
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
    """Return the number of chunks of a search."""
    if search[0] in SINGLE_PAGE_SOURCES:
        return 1
    if search[0] is SourceName.LIST:
        return sum(url_list.pages for url_list in dataset.lists)
    return max(1, min(CHUNKS_PER_SEARCH, -(-share // IMAGES_PER_CHUNK)))


def _create_chunks(search: Search, share: int | None, count: int) -> list[Chunk]:
    """Create the chunks of a search. Without a share, no quota limits them: all URLs of the lists are wanted."""
    source, keyword = search
    quotas = [MAX_URLS] * count if share is None else fair_shares(share, [None] * count)
    return [
        Chunk(source=source, keyword=keyword, first=first, stride=count, page=first, quota=quota)
        for first, quota in enumerate(quotas, start=1)
    ]


def plan_next_round(target_count: int, chunks: Sequence[Chunk], failed: Collection[int] = ()) -> dict[int, int]:
    """Return the new quotas of the chunks that continue, by index, so that `target_count` images are kept in total.

    The missing images are shared as in the first round. Empty if there are enough images, or no source has more.
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


def fair_shares(total: int, max_shares: Sequence[int | None]) -> list[int]:
    """Divide `total` into whole shares that differ by at most one; no share exceeds its limit in `max_shares`, if any.

    Max-min fairness: a share with a limit below the equal share gets its limit, and the others divide the rest. The
    first of equal claims get the remainder; what exceeds all limits is not assigned.
    """
    shares = [0] * len(max_shares)
    limits = [total if limit is None else min(limit, total) for limit in max_shares]
    remaining = total
    for served, index in enumerate(sorted(range(len(max_shares)), key=limits.__getitem__)):
        shares[index] = min(-(-remaining // (len(max_shares) - served)), limits[index])
        remaining -= shares[index]
    return shares


def crawl_progress(parts: Sequence[Part], *, ended: bool = False) -> Progress:
    """Return the progress of stage `crawl`. Once it has `ended`, unprocessed candidates count as rejected, too."""
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
    """Return the progress of stage `validate`, added to the progress of the crawl."""
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
