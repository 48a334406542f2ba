"""How far a dataset is, counted from the chunks of the run behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shared.models.crawl import Chunk, ChunkCounts, Progress, SourceProgress, Tally, ValidationProgress
from shared.models.dataset import Level
from shared.models.job import Part, StageStatus

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
