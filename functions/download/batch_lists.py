"""Reads a list of a batch, so that its videos join the batch."""

from __future__ import annotations

import logging

from shared.errors import NotFound, PermanentError, TransientError
from shared.pipeline.batches import MAX_ITEMS, add_listed, count_list_attempt, fail_list, read_batch
from shared.platform.ports import Place
from shared.security.url_guard import check_url
from shared.settings import settings
from shared.wiring import DOWNLOAD, wiring

log = logging.getLogger(__name__)


def add_list_to_batch(place: Place, batch_id: str, number: int) -> None:
    """Read the list with this number; a repeated message finds it read.

    A list that cannot be read ends with an error in the batch. Raises TransientError if another attempt may help.
    """
    attempts = count_list_attempt(place.documents, batch_id, number)
    batch = read_batch(place.documents, batch_id)
    if attempts is None or batch is None:
        return
    try:
        title, urls = _read_list(batch.lists[number].url, batch.max_videos)
        add_listed(place, batch_id, number, title, urls)
    except NotFound:
        log.info("the batch was deleted meanwhile")
    except PermanentError as error:
        fail_list(place, batch_id, number, error.code, error.message)
    except TransientError as error:
        if attempts < wiring().functions[DOWNLOAD].attempts:
            raise
        fail_list(place, batch_id, number, error.code, error.message)


def _read_list(url: str, max_videos: int) -> tuple[str | None, list[str]]:
    from shared.sources.video.list_links import parse_list_url
    from shared.sources.video.ytdlp_lists import read_list

    page = parse_list_url(check_url(url, settings()))
    assert page is not None, "only lists are stored as lists"  # noqa: S101  # a fault of the API
    video_list = read_list(page, settings(), min(max_videos, MAX_ITEMS), lambda done, activity: None)
    return video_list.title, video_list.urls
