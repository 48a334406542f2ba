"""The crawl of one chunk: reads pages of candidates in order, and processes each candidate exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress

from shared.ai.usage import spending_account
from shared.datasets.candidates import CandidateProcessor
from shared.datasets.store import dataset_id_of, read_dataset
from shared.datasets.url_lists import read_list_page
from shared.errors import Cancelled, NotFound
from shared.models.dataset import Chunk, Dataset, SourceName
from shared.models.image import CandidatePage
from shared.models.job import Part
from shared.pipeline.division import PartRun
from shared.pipeline.job_storage import load_json, store_json
from shared.settings import settings
from shared.sources.images.fetcher import process_fetcher
from shared.sources.images.search import image_source
from shared.sources.images.source import Pulse
from shared.telemetry.spans import span
from shared.wiring import wiring

MAX_PAGES = 100
"""Limit per chunk, because a source may return the same results forever."""
POSITIONS_PER_PAGE = 10_000
"""Exceeds the candidates of any page, so that positions of different pages differ."""
TIME_SHARE = 0.4
"""Share of the function's timeout after which a chunk pauses; images in progress still have to finish."""
WAIT_SEC = 0.25


def crawl_chunk(run: PartRun) -> None:
    """Continue a chunk, saving its state in the part. Raises as the sources."""
    try:
        dataset = read_dataset(run.place.documents, dataset_id_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    ChunkCrawler(run, dataset, Chunk.read(run.claimed_part.outcome or {})).crawl()


class ChunkCrawler:
    """Crawls one chunk. Only the thread that calls `crawl` changes the chunk."""

    def __init__(self, run: PartRun, dataset: Dataset, chunk: Chunk) -> None:
        self._run = run
        self._dataset = dataset
        self._chunk = chunk
        self._chunk_lock = threading.Lock()
        self._ended = threading.Event()
        self._deadline = time.monotonic() + TIME_SHARE * wiring().functions[run.stage].timeout_sec
        self._processor = CandidateProcessor(
            run.place, dataset, chunk, run.number, process_fetcher(settings()), run.workspace, self._raise_if_ended
        )

    def crawl(self) -> None:
        chunk = self._chunk
        self._run.add_result(self._save_chunk)
        with ThreadPoolExecutor(settings().crawl_connections) as threads:
            try:
                while chunk.remaining_images and not chunk.exhausted and self._has_time():
                    self._crawl_page(self._load_counted_page(), threads)
            finally:
                self._ended.set()
        self._run.repeat = bool(chunk.remaining_images and not chunk.exhausted)

    def _crawl_page(self, page: CandidatePage, threads: ThreadPoolExecutor) -> None:
        chunk, open_indexes = self._chunk, self._open_candidates(page)
        pending: dict[Future[str | None], int] = {}
        while True:
            while len(pending) < min(chunk.remaining_images, settings().crawl_connections) and self._has_time():
                if (index := next(open_indexes, None)) is None:
                    break
                candidate = page.candidates[index]
                position = chunk.page * POSITIONS_PER_PAGE + index
                pending[threads.submit(self._processor.process, candidate, position)] = index
            if not pending:
                break
            done, _ = wait(pending, WAIT_SEC, FIRST_COMPLETED)
            for future in done:
                self._record_outcome(pending.pop(future), future.result())
            self._report_progress(page)
        if chunk.position == len(page.candidates):
            self._advance_page(page)

    def _open_candidates(self, page: CandidatePage) -> Iterator[int]:
        """Return the indexes of the page's unprocessed candidates."""
        settled = set(self._chunk.ahead)
        return (index for index in range(self._chunk.position, len(page.candidates)) if index not in settled)

    def _record_outcome(self, index: int, reason: str | None) -> None:
        chunk = self._chunk
        with self._chunk_lock:
            if reason is None:
                chunk.tally.downloaded += 1
            else:
                chunk.tally.rejected[reason] = chunk.tally.rejected.get(reason, 0) + 1
            ahead = {*chunk.ahead, index}
            while chunk.position in ahead:
                ahead.remove(chunk.position)
                chunk.position += 1
            chunk.ahead = sorted(ahead)

    def _advance_page(self, page: CandidatePage) -> None:
        chunk = self._chunk
        with self._chunk_lock:
            chunk.exhausted = page.last or chunk.page >= chunk.first + MAX_PAGES * chunk.stride
            chunk.page += chunk.stride
            chunk.position, chunk.ahead, chunk.counted = 0, [], False

    def _load_counted_page(self) -> CandidatePage:
        """Load the current page; when it is first read, count its candidates as found."""
        page = load_page(self._run, self._dataset, self._chunk, self._report_search)
        if not self._chunk.counted:
            with self._chunk_lock:
                self._chunk.counted = True
                self._chunk.tally.found += len(page.candidates)
        return page

    def _report_progress(self, page: CandidatePage) -> None:
        chunk = self._chunk
        kept_share = chunk.tally.downloaded / max(1, chunk.quota)
        read_share = chunk.position / max(1, len(page.candidates)) if page.last else 0
        self._run.tick(min(0.99, max(kept_share, read_share)), f"{chunk.tally.downloaded} images")

    def _report_search(self) -> None:
        self._run.tick(0, f"Querying {self._chunk.source}")

    def _has_time(self) -> bool:
        return time.monotonic() < self._deadline

    def _raise_if_ended(self) -> None:
        if self._ended.is_set():
            raise Cancelled(self._run.job.id)

    def _save_chunk(self, part: Part) -> None:
        """Copy the chunk into its part; also called from the lease thread."""
        with self._chunk_lock:
            part.outcome = self._chunk.to_document()


def load_page(run: PartRun, dataset: Dataset, chunk: Chunk, pulse: Pulse) -> CandidatePage:
    """Load the chunk's current page, stored at its first request: no source is queried twice for the same page."""
    if chunk.source is SourceName.LIST:
        return read_list_page(run.place.objects, dataset, chunk.page)
    name = f"crawl/{run.number:05}-{chunk.page:05}.json"
    with suppress(NotFound):
        return CandidatePage.read(load_json(run.place.objects, dataset.id, name))
    account = spending_account(run.place.documents, run.job.owner, settings().monthly_budget_usd)
    source = image_source(chunk.source, settings(), dataset.filters, account)
    with span(f"search {chunk.source}", "client", {"clipwise.source": chunk.source}):
        page = source.search_page(chunk.keyword or "", chunk.page, max(1, chunk.remaining_images), pulse)
    store_json(run.place.objects, dataset.id, name, page.to_json())
    return page
