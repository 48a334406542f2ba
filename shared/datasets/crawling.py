"""A chunk of a crawl: pages of candidates read one after the other, each candidate settled once whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress

from shared.datasets.lists import list_page
from shared.datasets.store import dataset_of, read_dataset
from shared.datasets.taking import Taker
from shared.errors import Cancelled, NotFound
from shared.models.crawl import Chunk, Dataset, SourceName
from shared.models.job import Part
from shared.pipeline.division import PartRun
from shared.pipeline.media import load_json, store_json
from shared.settings import settings
from shared.sources.images.choice import image_source
from shared.sources.images.fetching import fetcher
from shared.sources.images.source import Found, Pulse
from shared.wiring import wiring

MOST_PAGES = 100
"""Of one chunk: whoever names the same over and over must not be listened to for ever."""
PAGE_ROOM = 10_000
"""More candidates than a page has: what tells positions of one page from those of the next."""
SHARE_OF_TIME = 0.4
"""Of the function's time, after which a chunk takes a break; what is under way then still has to end."""
WAIT_SEC = 0.25


def crawl_chunk(run: PartRun) -> None:
    """Do what is left of a chunk; it is written down in the part as it goes. Raises as sources do."""
    try:
        dataset = read_dataset(run.platform.documents, dataset_of(run.job))
    except NotFound:
        raise Cancelled(run.job.id) from None
    Crawler(run, dataset, Chunk.read(run.claimed.outcome or {})).crawl()


class Crawler:
    """The work at one chunk. Only this object's own thread changes the chunk."""

    def __init__(self, run: PartRun, dataset: Dataset, chunk: Chunk) -> None:
        self._run = run
        self._dataset = dataset
        self._chunk = chunk
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._until = time.monotonic() + SHARE_OF_TIME * wiring().functions[run.stage].timeout_sec
        self._taker = Taker(
            run.platform, dataset, chunk, run.number, fetcher(settings()), run.workspace, self._stop_if_over
        )

    def crawl(self) -> None:
        chunk = self._chunk
        self._run.leave(self._write_down)
        with ThreadPoolExecutor(settings().crawl_connections) as threads:
            try:
                while chunk.open and not chunk.exhausted and self._in_time():
                    self._work_at_page(self._page(), threads)
            finally:
                self._over.set()
        self._run.again = bool(chunk.open and not chunk.exhausted)

    def _work_at_page(self, page: Found, threads: ThreadPoolExecutor) -> None:
        chunk, left = self._chunk, self._left(page)
        under_way: dict[Future[str | None], int] = {}
        while True:
            while len(under_way) < min(chunk.open, settings().crawl_connections) and self._in_time():
                if (index := next(left, None)) is None:
                    break
                candidate = page.candidates[index]
                place = chunk.page * PAGE_ROOM + index
                under_way[threads.submit(self._taker.take, candidate, place)] = index
            if not under_way:
                break
            done, _ = wait(under_way, WAIT_SEC, FIRST_COMPLETED)
            for future in done:
                self._settle(under_way.pop(future), future.result())
            self._tick(page)
        if chunk.position == len(page.candidates):
            self._turn(page)

    def _left(self, page: Found) -> Iterator[int]:
        """Which candidates of the page are not settled yet."""
        settled = set(self._chunk.ahead)
        return (index for index in range(self._chunk.position, len(page.candidates)) if index not in settled)

    def _settle(self, index: int, reason: str | None) -> None:
        chunk = self._chunk
        with self._guard:
            if reason is None:
                chunk.tally.downloaded += 1
            else:
                chunk.tally.rejected[reason] = chunk.tally.rejected.get(reason, 0) + 1
            ahead = {*chunk.ahead, index}
            while chunk.position in ahead:
                ahead.remove(chunk.position)
                chunk.position += 1
            chunk.ahead = sorted(ahead)

    def _turn(self, page: Found) -> None:
        chunk = self._chunk
        with self._guard:
            chunk.exhausted = page.last or chunk.page >= chunk.first + MOST_PAGES * chunk.stride
            chunk.page += chunk.stride
            chunk.position, chunk.ahead, chunk.counted = 0, [], False

    def _page(self) -> Found:
        """The page that is to be worked at; counted among what was found when it is read for the first time."""
        page = read_page(self._run, self._dataset, self._chunk, self._pulse_search)
        if not self._chunk.counted:
            with self._guard:
                self._chunk.counted = True
                self._chunk.tally.found += len(page.candidates)
        return page

    def _tick(self, page: Found) -> None:
        chunk = self._chunk
        kept = chunk.tally.downloaded / max(1, chunk.quota)
        read = chunk.position / max(1, len(page.candidates)) if page.last else 0
        self._run.tick(min(0.99, max(kept, read)), f"{chunk.tally.downloaded} images")

    def _pulse_search(self) -> None:
        self._run.tick(0, f"Querying {self._chunk.source}")

    def _in_time(self) -> bool:
        return time.monotonic() < self._until

    def _stop_if_over(self) -> None:
        if self._over.is_set():
            raise Cancelled(self._run.job.id)

    def _write_down(self, part: Part) -> None:
        """From the thread that keeps the lease, too."""
        with self._guard:
            part.outcome = self._chunk.document()


def read_page(run: PartRun, dataset: Dataset, chunk: Chunk, pulse: Pulse) -> Found:
    """The chunk's page as its source first gave it: no source is asked twice for the same."""
    if chunk.source is SourceName.LIST:
        return list_page(run.platform.objects, dataset, chunk.page)
    name = f"crawl/{run.number:05}-{chunk.page:05}.json"
    with suppress(NotFound):
        return Found.read(load_json(run.platform.objects, dataset.id, name))
    source = image_source(chunk.source, settings(), dataset.filters)
    page = source.page(chunk.keyword or "", chunk.page, max(1, chunk.open), pulse)
    store_json(run.platform.objects, dataset.id, name, page.json_form())
    return page
