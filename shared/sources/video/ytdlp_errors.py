"""Translation of yt-dlp's errors. It has few error types, so most errors are recognized by their messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yt_dlp.networking.exceptions import HTTPError, NoSupportingHandlers, TransportError
from yt_dlp.utils import GeoRestrictedError, UserNotLive

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.sources.video.source import platform_error, video_live, video_region_locked

_BLOCKED = (
    r"not a bot|ip address is blocked|rate.?limit|too many requests|captcha|challenge|empty media response"
    r"|requiring login for access|unexpected response from webpage|needs to be reloaded"
    r"|failed to extract any player response|unable to extract aweme detail"
)
_NO_FORMATS = r"no video formats found|requested format is not available|only images are available"
_NO_VIDEO = r"there is no video in this post"
_LOGIN = r"log ?in|sign in|cookies|registered users"
_GONE = r"unavailable|not available|removed|deleted|terminated|does not exist|no longer|status code 102\d\d"


def translate_error(error: Exception, request_error: ClipwiseError | None, site: str) -> ClipwiseError:
    """Return the error for one that yt-dlp raised.

    `request_error` is the last failed request, used if the error itself is not recognized; `site` is the platform's
    name.
    """
    chain = list(_error_chain(error))
    for cause in chain:
        if isinstance(cause, ClipwiseError):
            return cause
    for cause in chain:
        if isinstance(cause, UserNotLive):
            return video_live()
        if isinstance(cause, GeoRestrictedError):
            return video_region_locked()
        if isinstance(cause, HTTPError):
            return _error_of_status(cause.status, site)
        if isinstance(cause, TransportError | NoSupportingHandlers):
            return TransientError("source_unavailable", f"{site} could not be reached. Try again later.")
    return _error_of_message(" ".join(str(cause) for cause in chain), site) or request_error or _source_changed(site)


def _error_of_message(message: str, site: str) -> ClipwiseError | None:
    """Return the error of the first matching pattern: many unrelated messages of platforms mention a login."""

    def matches(pattern: str) -> bool:
        return re.search(pattern, message, re.IGNORECASE) is not None

    if matches(_BLOCKED):
        return _source_blocked(site)
    if error := platform_error(message):
        return error
    if matches(_NO_FORMATS):
        return TransientError(
            "source_blocked",
            f"{site} offers this server no downloadable format of the video at present. Try again later, update"
            " yt-dlp, or upload the file.",
        )
    if matches(_NO_VIDEO):
        return PermanentError(
            "source_no_video",
            "The post has no video that could be fetched. If it consists of photos, set APIFY_TOKEN.",
        )
    if matches(_LOGIN):
        return PermanentError(
            "source_login", f"{site} shows this post only to signed-in users. Upload the file instead."
        )
    if matches(_GONE):
        return PermanentError(
            "video_unavailable",
            "The video was removed, or is not available to everyone. Open the link in a browser to check it.",
        )
    return None


def _source_blocked(site: str) -> TransientError:
    return TransientError(
        "source_blocked",
        f"{site} blocks automated requests from this server at present. Try again later, or upload the file.",
    )


def _source_changed(site: str) -> PermanentError:
    return PermanentError(
        "source_changed",
        f"{site} has changed, and the installed yt-dlp cannot read it. Update yt-dlp, or upload the file.",
    )


def _error_of_status(status: int, site: str) -> ClipwiseError:
    if status in (404, 410):
        return PermanentError("source_not_found", f"{site} has nothing at this link (status {status}). Check the link.")
    if status in (403, 429):
        return _source_blocked(site)
    if status >= 500:
        return TransientError(
            "source_unavailable", f"{site} is temporarily unavailable (status {status}). Try again later."
        )
    return PermanentError("source_refused", f"{site} rejected the request (status {status}). Upload the file instead.")


def _error_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, the deepest last."""
    visited: set[int] = set()
    pending: list[object] = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in visited:
            continue
        visited.add(id(current))
        yield current
        exc_info = getattr(current, "exc_info", None)
        pending += [exc_info[1] if exc_info else None, getattr(current, "cause", None), current.__cause__]
