"""Search for moments in a user's whole library: by what is said, by on-screen text and by captions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.ai.offline.terms import terms
from shared.ai.usage import Meter
from shared.chat.search import (
    VIDEOS_PER_LIBRARY,
    QueryEmbedding,
    SearchResult,
    embed_question,
    query_terms,
    rank_passages,
)
from shared.models.chat import Passage, PassageLine, PassageOrigin
from shared.models.job import Job
from shared.models.video import Frame
from shared.pipeline.job_storage import SCREENS, SEGMENTS
from shared.pipeline.jobs import read_videos
from shared.platform.ports import Documents, Filter
from shared.progress import Tick

COLLECTIONS: dict[str, tuple[PassageOrigin, ...]] = {SEGMENTS: ("speech",), SCREENS: ("screen", "caption")}
MAX_MOMENTS = 100
"""Maximum number of moments of a search, on all its pages."""
MIN_COVERAGE = 0.35
"""Minimum share of the search's words in a relevant passage."""


@dataclass(frozen=True)
class Moment:
    """A moment that matches a search.

    Attributes:
        line: The line nearest to the search; its start is the moment.
        passage: The passage around it.
        words: Words of the search that the passage contains; empty for a match by meaning alone.
        frame: The key frame nearest in time, else the thumbnail; None without pictures.
    """

    video: Job
    line: PassageLine
    passage: Passage
    words: Sequence[str]
    frame: Frame | None


def search_moments(
    documents: Documents, owner: str, query: str, origins: Sequence[PassageOrigin], meter: Meter, tick: Tick
) -> list[Moment]:
    """Return the moments of the owner's videos that match, the best first, at most MAX_MOMENTS.

    While the provider of embeddings is down, moments are found by words only; raises its TransientError if there are
    none. Raises PermanentError as providers do.
    """
    embeddings, failure = embed_question(query, meter, tick)
    results = sorted(_results(documents, owner, query, origins, embeddings), key=lambda result: -result.score)
    distinct = list(_without_overlaps(results))[:MAX_MOMENTS]
    if not distinct and failure:
        raise failure
    videos = read_videos(documents, (result.passage.video_id for result in distinct), owner)
    return [
        _moment(videos[result.passage.video_id], result, query)
        for result in distinct
        if result.passage.video_id in videos
    ]


def _results(
    documents: Documents,
    owner: str,
    query: str,
    origins: Sequence[PassageOrigin],
    embeddings: Sequence[QueryEmbedding],
) -> Iterator[SearchResult]:
    for collection, of_collection in COLLECTIONS.items():
        if not set(of_collection) & set(origins):
            continue
        within: list[Filter] = [("owner", "==", owner)]
        ranked = rank_passages(
            documents, collection, within, owner, query, embeddings, MIN_COVERAGE, VIDEOS_PER_LIBRARY, MAX_MOMENTS
        )
        yield from (result for result in ranked if result.relevant and result.passage.origin in origins)


def _without_overlaps(results: Iterable[SearchResult]) -> Iterator[SearchResult]:
    """Yield each result that does not overlap a better one of the same video and origin."""
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for result in results:
        passage = result.passage
        of_video = spans.setdefault((passage.video_id, passage.origin), [])
        if not any(start < passage.end and passage.start < end for start, end in of_video):
            of_video.append((passage.start, passage.end))
            yield result


def _moment(video: Job, result: SearchResult, query: str) -> Moment:
    passage = result.passage
    line = nearest_line(result, set(query_terms(query)))
    frames = [*video.video.frames, *([video.video.thumbnail] if video.video.thumbnail else [])]
    frame = min(frames, key=lambda frame: abs(frame.time - line.start), default=None)
    words = [word for word in dict.fromkeys(query.split()) if set(terms(word)) & set(passage.words)]
    return Moment(video, line, passage, words, frame)


def nearest_line(result: SearchResult, query_words: set[str]) -> PassageLine:
    """Return the line nearest to the search.

    A line that contains every word of the search comes before all others. Then the nearest in meaning counts, where
    lines have vectors, else the one with most words of the search.
    """
    lines = result.passage.lines
    words_by_line = [len(query_words & set(terms(line.text))) for line in lines]
    similarities = result.line_similarities if max(result.line_similarities, default=0) > 0 else words_by_line

    def nearness(at: int) -> tuple[bool, float]:
        return 0 < words_by_line[at] == len(query_words), similarities[at]

    return lines[max(range(len(lines)), key=nearness)]
