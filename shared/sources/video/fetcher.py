"""Who fetches what: chosen by host and configuration, each source standing in for those before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shared.error_codes.videos import MediaCode, VideoCode
from shared.errors import ClipwiseError
from shared.models.video import Origin
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.video.links import PageReached, resolve_page, stop_at_page
from shared.sources.video.source import FetchedFile, FetchRequest, InconclusiveError, VideoSource

# What is said of the video itself, so that no other source could say otherwise.
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


def fetch_video(url: str, folder: Path, settings: Settings, needs_video: bool, tick: Tick) -> FetchedFile:
    """Fetch the video behind a link, a page's or a file's, into `folder`, with all that is told of it.

    Of the sources that fail, `origin.notes` says why. When all do, the error is one that may pass if there is any, else
    that of the first source.

    Raises:
        PermanentError: `not_a_video`, `source_not_found` for links; otherwise as the sources raise.
        TransientError: As the sources raise.
    """
    page = resolve_page(url, settings, tick)
    if page is None:
        from shared.sources.video.http import fetch_file

        try:
            return _add_notes(fetch_file(url, folder / "file", settings, tick, visit=stop_at_page), [])
        except PageReached as reached:
            page = reached.page
    max_duration_sec = settings.max_video_duration_sec if needs_video else settings.max_speech_duration_sec
    request = FetchRequest(page, settings, max_duration_sec, needs_video)
    notes, failures = list[str](), list[ClipwiseError]()
    for name in source_order(settings):
        source_folder = folder / name
        source_folder.mkdir()
        try:
            return _add_notes(load_source(name)(request, source_folder, tick), notes)
        except ClipwiseError as error:
            if error.code in FINAL_CODES and not isinstance(error, InconclusiveError):
                raise
            notes.append(f"{name}: {error.message}")
            failures.append(error)
    raise next((error for error in failures if error.retryable), failures[0])


def source_order(settings: Settings) -> list[str]:
    """The sources of pages in the order in which they are tried."""
    if settings.sources != "auto":
        return list(dict.fromkeys(settings.sources.split(",")))
    return [*(["apify"] if settings.apify_token else []), "yt-dlp", "http"]


def load_source(name: str) -> VideoSource:
    """Each is imported only when it is used: their libraries are large."""
    match name:
        case "apify":
            from shared.sources.video.apify import fetch_with_apify as apify

            return apify
        case "yt-dlp":
            from shared.sources.video.ytdlp import fetch_with_ytdlp as ytdlp

            return ytdlp
    return fetch_page_url


def fetch_page_url(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
    """A Source: what is at the page's own address, if that is a video after all."""
    from shared.sources.video.http import fetch_file

    fetched = fetch_file(request.page.url, folder / "file", request.settings, tick)
    return replace(fetched, origin=Origin(source="http", page_url=request.page.url))


def _add_notes(fetched: FetchedFile, notes: list[str]) -> FetchedFile:
    origin = fetched.origin or Origin(source="http")
    return replace(fetched, origin=origin.model_copy(update={"notes": [*notes, *origin.notes]}))
