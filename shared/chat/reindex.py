"""Rebuilds the vectors of stored passages with the model that the settings name, after that has changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shared.ai.fallback import provider_order
from shared.ai.offline.sentence_model import MODEL, sentence_model
from shared.ai.openai.endpoint import endpoint_for, is_configured
from shared.ai.service_models import price_overrides
from shared.ai.usage import Meter, meter_for
from shared.chat.excerpts import Window
from shared.chat.passages import COLLECTIONS, embed_windows, indexed_model, set_indexed_model
from shared.chat.search import CHAT_KIND, embedding_provider
from shared.errors import ClipwiseError, Conflict
from shared.models.chat import Passage
from shared.models.job import Usage
from shared.platform.documents import iterate_query
from shared.platform.ports import Document, Documents
from shared.settings import HASHING, Settings, settings

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
    probe = embedding_provider(Meter()).embed(["model"], "document", _ignore_tick)
    model, width = str(probe.usage.model), probe.dimensions
    result = ReindexResult(model)
    stale_ids: list[tuple[str, str]] = []
    for collection in COLLECTIONS:
        rows = iterate_query(documents, collection, [])
        stale_ids += ((collection, row.id) for row in rows if is_stale(row, model, width))
    report(0, len(stale_ids))
    for done, collection, batch in _batches(documents, stale_ids, model, width):
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


def is_stale(passage: Document, model: str, width: int) -> bool:
    """Return True if a passage has no vector of the model, or one of another width."""
    vector = passage.data.get("embedding")
    return passage.data.get("model") != model or vector is None or len(vector.values) != width


def free_model(config: Settings) -> str | None:
    """Return the embedding model if it costs nothing: that of this machine, or of a compatible server."""
    name = provider_order(CHAT_KIND, config, "embed")[0]
    if name == "openai" and is_configured("embed", config):
        endpoint = endpoint_for("embed", config)
        return None if endpoint.is_vendor or endpoint.model in price_overrides(config.prices) else endpoint.model
    return MODEL if name == "offline" and config.offline_embed_model != HASHING else None


def reindex_in_background(documents: Documents) -> None:
    """Rebuild the vectors if that is free and some may be of another model. Logs the progress.

    Not for paid services: nobody asked to pay for it.
    """
    model = free_model(settings())
    if model is None or indexed_model(documents) == model or not _has_passages(documents):
        return
    if model == MODEL and sentence_model().fault():
        return
    due = time.monotonic()

    def log_progress(done: int, total: int) -> None:
        nonlocal due
        if total and (time.monotonic() >= due or done == total):
            due = time.monotonic() + LOG_SEC
            log.info("search by meaning: %d of %d stored passages are embedded with %s", done, total, model)

    try:
        reindex(documents, log_progress)
    except ClipwiseError as error:
        log.warning("search by meaning: passages without vectors of %s are found by words: %s", model, error.message)


def _has_passages(documents: Documents) -> bool:
    return any(documents.count(collection, [], 1) for collection in COLLECTIONS)


def _batches(
    documents: Documents, ids: Sequence[tuple[str, str]], model: str, width: int
) -> Iterator[tuple[int, str, list[Document]]]:
    """Yield the documents that are still stale, of one video at a time: number of ids so far, collection, documents."""
    done = 0
    for (collection, _), of_video in groupby(ids, lambda key: (key[0], key[1].rpartition("-")[0])):
        video_ids = [id for _, id in of_video]
        for start in range(0, len(video_ids), BATCH):
            batch = video_ids[start : start + BATCH]
            done += len(batch)
            rows = [row for id in batch if (row := documents.get(collection, id)) and is_stale(row, model, width)]
            if rows:
                yield done, collection, rows


def _ignore_tick(fraction: float, message: str) -> None:
    """Progress is counted in passages."""
