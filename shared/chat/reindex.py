"""Rebuilds the vectors of stored passages with the model that the settings name, after that has changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shared.ai.fallback import provider_order
from shared.ai.offline.sentence_model import MODEL, sentence_model
from shared.ai.usage import Meter, meter_for
from shared.chat.excerpts import Window
from shared.chat.passages import COLLECTIONS, embed_windows, indexed_model, set_indexed_model
from shared.chat.search import CHAT_KIND, embedding_provider
from shared.errors import Conflict
from shared.models.chat import Passage
from shared.models.job import Usage
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Documents
from shared.settings import HASHING, settings

log = logging.getLogger(__name__)
BATCH = 16
"""Passages of one video that are embedded together, so that the lines they share are embedded once."""
LOG_SEC = 30.0
"""Time between two log records of the progress."""
Report = Callable[[int, int], None]
"""Called with the number of passages done, and of all that have to be done. May raise to stop."""


@dataclass
class ReindexResult:
    """What a rebuild did.

    Attributes:
        model: The model of all vectors from now on.
        count: Number of passages with new vectors.
    """

    model: str
    count: int = 0
    usage: Usage = field(default_factory=Usage)


def reindex(documents: Documents, report: Report) -> ReindexResult:
    """Embed every passage whose vector is of another model, or that has none.

    May be stopped and started again at any time: what is done is kept. A passage that is written meanwhile keeps what
    was written. Raises PermanentError and TransientError as providers do.
    """
    model = str(embedding_provider(Meter()).embed(["model"], "document", _ignore_tick).usage.model)
    result = ReindexResult(model)
    stale_ids: list[tuple[str, str]] = []
    for collection in COLLECTIONS:
        rows = iterate_query(documents, collection, [])
        stale_ids += ((collection, row.id) for row in rows if row.data.get("model") != model)
    report(0, len(stale_ids))
    for done, collection, batch in _batches(documents, stale_ids, model):
        meter = meter_for(documents, batch[0].data["owner"], settings().monthly_budget_usd, Usage())
        windows = [Window(Passage.read(row.data).lines) for row in batch]
        vectors = embed_windows(embedding_provider(meter), windows, _ignore_tick)
        for number, row in enumerate(batch):
            try:
                documents.replace(collection, row.id, row.data | vectors.document_fields(number), row.version)
                result.count += 1
            except Conflict:
                log.debug("passage %s has changed meanwhile", row.id)
        result.usage = Usage.total([result.usage, meter.usage])
        report(done, len(stale_ids))
    set_indexed_model(documents, model)
    return result


def reindex_in_background(documents: Documents) -> None:
    """Rebuild the vectors if this machine's model makes them and some may be of another one. Logs the progress.

    Not for services: nobody asked to pay for it.
    """
    config = settings()
    if provider_order(CHAT_KIND, config)[0] != "offline" or config.offline_embed_model == HASHING:
        return
    if indexed_model(documents) == MODEL or sentence_model().fault():
        return
    due = time.monotonic()

    def log_progress(done: int, total: int) -> None:
        nonlocal due
        if total and (time.monotonic() >= due or done == total):
            due = time.monotonic() + LOG_SEC
            log.info("search by meaning: %d of %d stored passages are embedded with %s", done, total, MODEL)

    reindex(documents, log_progress)


def _batches(
    documents: Documents, ids: Sequence[tuple[str, str]], model: str
) -> Iterator[tuple[int, str, list[Document]]]:
    """Yield the documents that are still stale, of one video at a time: number of ids so far, collection, documents."""
    done = 0
    for (collection, _), of_video in groupby(ids, lambda key: (key[0], key[1].rpartition("-")[0])):
        video_ids = [id for _, id in of_video]
        for start in range(0, len(video_ids), BATCH):
            batch = video_ids[start : start + BATCH]
            done += len(batch)
            rows = [row for id in batch if (row := documents.get(collection, id)) and row.data.get("model") != model]
            if rows:
                yield done, collection, rows


def _ignore_tick(fraction: float, message: str) -> None:
    """Progress is counted in passages."""
