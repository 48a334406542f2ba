"""The crawl of one chunk: reads pages of candidates in order, and processes each candidate exactly once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from shared.ai.usage import spending_account
from shared.datasets.batch_saver import BatchSaver
from shared.datasets.candidates import CandidateBatches, Claim
from shared.datasets.store import dataset_id_of, read_dataset
from shared.datasets.url_lists import read_list_page
from shared.errors import Cancelled, NotFound
from shared.models.dataset import Chunk, Dataset, SourceName
from shared.models.image import CandidatePage
from shared.models.job import Part
from shared.once import once
from shared.pipeline.division import PartRun
from shared.pipeline.job_storage import load_json, store_json
from shared.security.guarded_transfers import GuardedTransfers
from shared.settings import settings
from shared.sources.images.fetcher import FetchedImage, ImageFetcher, ImageRejected, crawl_sites
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
STORAGE_THREADS = 8
"""For all chunks of a process. They stay: a thread's first use of the database costs as much as ten images."""
CLAIMS = 64
"""Most candidates that are claimed at once, before they are fetched."""
T = TypeVar("T")


@once
def storage_threads() -> ThreadPoolExecutor:
    """Return the threads in which chunks claim candidates, save batches and write progress."""
    return ThreadPoolExecutor(STORAGE_THREADS, "crawl-storage")


def crawl_chunk(run: PartRun) -> None:
    """Continue a chunk, saving its state in the part. Raises as the sources."""
    try:
        dataset = read_dataset(run.place.documents, dataset_id_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    ChunkCrawler(run, dataset, Chunk.read(run.claimed_part.outcome or {})).crawl()


class ChunkCrawler:
    """Crawls one chunk. Only the event loop of `crawl` changes the chunk."""

    def __init__(self, run: PartRun, dataset: Dataset, chunk: Chunk) -> None:
        self._run = run
        self._dataset = dataset
        self._chunk = chunk
        self._chunk_lock = threading.Lock()
        self._ended = threading.Event()
        self._deadline = time.monotonic() + TIME_SHARE * wiring().functions[run.stage].timeout_sec
        self._connections = settings().crawl_connections
        self._batches = CandidateBatches(run.place, dataset, chunk, run.number, settings())
        self._claimed: deque[Claim] = deque()
        self._reported_at = 0.0

    def crawl(self) -> None:
        chunk = self._chunk
        self._run.add_result(self._save_chunk)
        asyncio.run(self._crawl_pages())
        self._run.repeat = bool(chunk.remaining_images and not chunk.exhausted)

    async def _crawl_pages(self) -> None:
        chunk = self._chunk
        # For look-ups of names and policies, which block.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self._connections))
        async with GuardedTransfers(settings(), self._connections) as transfers:
            self._fetcher = ImageFetcher(crawl_sites(settings()), transfers, self._raise_if_ended)
            try:
                while chunk.remaining_images and not chunk.exhausted and self._has_time():
                    await self._crawl_page(await self._in_storage(self._load_counted_page))
            finally:
                self._ended.set()

    async def _crawl_page(self, page: CandidatePage) -> None:
        open_indexes = self._open_candidates(page)
        saver = BatchSaver(self._batches.settle, storage_threads(), max(1, self._connections // 2))
        pending: set[asyncio.Task[None]] = set()
        try:
            while True:
                while self._has_time() and len(pending) < self._connections:
                    if not self._claimed and not await self._claim(page, open_indexes, len(pending)):
                        break
                    pending.add(asyncio.create_task(self._process(self._claimed.popleft(), saver)))
                if not pending:
                    break
                done, pending = await asyncio.wait(pending, timeout=WAIT_SEC, return_when=asyncio.FIRST_COMPLETED)
                if error := next(filter(None, [task.exception() for task in done]), None):
                    raise error
                await self._report_progress(page)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            # Also if the chunk is being stopped, so that no image is fetched twice.
            await saver.finish()
        self._claimed.clear()
        if self._chunk.position == len(page.candidates):
            self._advance_page(page)

    async def _claim(self, page: CandidatePage, open_indexes: Iterator[int], pending: int) -> bool:
        """Claim the next candidates, no more than the chunk may keep images; return whether there is one to fetch."""
        while room := min(self._chunk.remaining_images - pending, CLAIMS):
            indexes = list(islice(open_indexes, max(0, room)))
            if not indexes:
                break
            first = self._chunk.page * POSITIONS_PER_PAGE
            candidates = [(first + index, page.candidates[index]) for index in indexes]
            for index, claim in zip(indexes, await self._in_storage(self._batches.claim, candidates), strict=True):
                if claim.is_settled:
                    self._record_outcome(index, claim.reason)
                else:
                    self._claimed.append(claim)
            if self._claimed:
                return True
        return False

    async def _process(
        self, claim: Claim, saver: BatchSaver[tuple[Claim, FetchedImage | ImageRejected], str | None]
    ) -> None:
        """Fetch a candidate, store its image or why it has none, and record the outcome."""
        assert claim.url is not None  # noqa: S101  # it is not settled
        outcome: FetchedImage | ImageRejected
        try:
            outcome = await self._fetcher.fetch(claim.url)
        except ImageRejected as rejected:
            outcome = rejected
        reason = await saver.save((claim, outcome))
        self._record_outcome(claim.record.position - self._chunk.page * POSITIONS_PER_PAGE, reason)

    async def _in_storage(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(storage_threads(), work, *arguments)

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

    async def _report_progress(self, page: CandidatePage) -> None:
        """Write the progress if it is due; raises if the chunk is to stop."""
        chunk = self._chunk
        if time.monotonic() - self._reported_at < WAIT_SEC:
            return
        self._reported_at = time.monotonic()
        kept_share = chunk.tally.downloaded / max(1, chunk.quota)
        read_share = chunk.position / max(1, len(page.candidates)) if page.last else 0
        share = min(0.99, max(kept_share, read_share))
        await self._in_storage(self._run.tick, share, f"{chunk.tally.downloaded} images")

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
