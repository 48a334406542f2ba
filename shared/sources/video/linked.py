"""Public videos of YouTube that a provider reads from their link: their page is read, their file is not downloaded."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from shared.errors import ClipwiseError
from shared.models.video import Origin, Transcript
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.video.links import resolve_page

NOT_DOWNLOADED = "The video was not downloaded: its link and captions suffice for this kind of analysis."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkedVideo:
    """A public video with captions.

    Attributes:
        url: The canonical link.
    """

    url: str
    duration_sec: float
    title: str | None
    author: str | None
    caption: str | None
    origin: Origin
    captions: Transcript


def read_linked_video(url: str, settings: Settings, max_duration_sec: float, tick: Tick) -> LinkedVideo | None:
    """Read the video's page; None if the video has to be downloaded.

    That is the case for other platforms, for videos that are not public, live, too long or without captions (they are
    what searches and questions rest on), and if the page cannot be read.

    Raises what the tick raises, and as `resolve_page`.
    """
    page = resolve_page(url, settings, tick)
    if page is None or page.platform != "youtube":
        return None
    from shared.sources.video.ytdlp import read_page

    try:
        info, post, captions, notes = read_page(page, settings, tick)
    except ClipwiseError as error:
        log.info("the page of a video cannot be read without a download: %s", error.code)
        return None
    is_public = info.get("availability") == "public" and info.get("live_status") in (None, "not_live", "was_live")
    if not is_public or captions is None or post.duration_sec is None or post.duration_sec > max_duration_sec:
        return None
    return LinkedVideo(
        url=page.url,
        duration_sec=post.duration_sec,
        title=post.title,
        author=post.author,
        caption=post.caption,
        origin=post.origin.model_copy(update={"notes": [NOT_DOWNLOADED, *post.origin.notes, *notes]}),
        captions=captions,
    )
