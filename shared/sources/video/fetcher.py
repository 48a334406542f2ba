"""Fetches the video behind any link: from its server, or from the first source that can read its platform page."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from shared.error_codes.videos import MediaCode, VideoCode
from shared.errors import ClipwiseError
from shared.models.video import Origin
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.spending import UNLIMITED, SpendingAccount
from shared.sources.video.http import fetch_file
from shared.sources.video.links import PageReached, resolve_page, stop_at_page
from shared.sources.video.source import FetchedFile, FetchRequest, InconclusiveError, VideoSource
from shared.telemetry.spans import Span, span

# Codes that describe the video itself: no other source is tried after them.
FINAL_CODES: frozenset[str] = frozenset(
    {
        VideoCode.VIDEO_PRIVATE,
        VideoCode.VIDEO_UNAVAILABLE,
        VideoCode.VIDEO_AGE_RESTRICTED,
        VideoCode.VIDEO_LOGIN_REQUIRED,
        VideoCode.VIDEO_LIVE,
        VideoCode.VIDEO_PROTECTED,
        MediaCode.TOO_LONG,
    }
)


def fetch_video(
    url: str,
    folder: Path,
    settings: Settings,
    needs_video: bool,
    tick: Tick,
    account: SpendingAccount = UNLIMITED,
) -> FetchedFile:
    """Fetch the video behind a link to a page or a file into `folder`, with its metadata.

    `origin.notes` lists why sources failed. If all fail, raises the first retryable error, or else the first error.

    Raises:
        PermanentError: `not_a_video`, `source_not_found` for links; otherwise as the sources.
        TransientError: As the sources.
    """
    page = resolve_page(url, settings, tick)
    if page is None:
        with _source_span("http"):
            try:
                return _add_notes(fetch_file(url, folder / "file", settings, tick, visit=stop_at_page), [])
            except PageReached as reached:
                page = reached.page
    max_duration_sec = settings.max_video_duration_sec if needs_video else settings.max_speech_duration_sec
    request = FetchRequest(page, settings, max_duration_sec, needs_video, account)
    notes, failures = list[str](), list[ClipwiseError]()
    for name in source_order(settings):
        source_folder = folder / name
        source_folder.mkdir()
        try:
            with _source_span(name):
                return _add_notes(load_source(name)(request, source_folder, tick), notes)
        except ClipwiseError as error:
            if error.code in FINAL_CODES and not isinstance(error, InconclusiveError):
                raise
            notes.append(f"{name}: {error.message}")
            failures.append(error)
    raise next((error for error in failures if error.retryable), failures[0])


def _source_span(name: str) -> AbstractContextManager[Span]:
    return span(f"fetch {name}", "client", {"clipwise.source": name})


def source_order(settings: Settings) -> list[str]:
    """Return the names of the sources for platform pages, in the order in which they are tried."""
    if settings.sources != "auto":
        return list(dict.fromkeys(settings.sources.split(",")))
    return [*(["apify"] if settings.apify_token else []), "yt-dlp", "http"]


def load_source(name: str) -> VideoSource:
    """Return the source of a name. Each is imported only when used, because their libraries are large."""
    match name:
        case "apify":
            from shared.sources.video.apify import fetch_with_apify

            return fetch_with_apify
        case "yt-dlp":
            from shared.sources.video.ytdlp import fetch_with_ytdlp

            return fetch_with_ytdlp
    return fetch_page_url


def fetch_page_url(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
    """Fetch the file at the page's own address, in case it is a video; a VideoSource."""
    fetched = fetch_file(request.page.url, folder / "file", request.settings, tick)
    return replace(fetched, origin=Origin(source="http", page_url=request.page.url))


def _add_notes(fetched: FetchedFile, notes: list[str]) -> FetchedFile:
    origin = fetched.origin or Origin(source="http")
    return replace(fetched, origin=origin.model_copy(update={"notes": [*notes, *origin.notes]}))
