"""What yt-dlp's failures mean. It has few types for them, so mostly its sentences tell; those are matched loosely."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yt_dlp.networking.exceptions import HTTPError, NoSupportingHandlers, TransportError
from yt_dlp.utils import GeoRestrictedError, UserNotLive

from shared.errors import ClipwiseError, PermanentError, TransientError

_BLOCKED = (
    "{site} wants proof that no program is asking, so nothing could be fetched just now; upload the file instead."
)

# In this order: the first that matches counts.
_SENTENCES: list[tuple[str, type[ClipwiseError], str, str]] = [
    (
        r"not a bot|ip address is blocked|rate.?limit|too many requests|captcha|challenge|empty media response"
        r"|requiring login for access",
        TransientError,
        "source_blocked",
        _BLOCKED,
    ),
    (
        r"confirm your age|age.?restrict|inappropriate for some users|not be comfortable|restricted video",
        PermanentError,
        "video_age_restricted",
        "The video is shown to grown-ups with an account only; download it yourself and upload the file.",
    ),
    (
        r"live event|livestream|is live\b|premieres in|will begin in|not currently live|is upcoming",
        PermanentError,
        "video_live",
        "The video is a live stream or has not begun; try again when it is over.",
    ),
    (
        r"\bdrm\b",
        PermanentError,
        "video_protected",
        "The video is protected against copying (DRM) and cannot be fetched.",
    ),
    (
        r"members.only|join this channel|requires payment|purchase|premium",
        PermanentError,
        "video_login_required",
        "The video is for members or buyers only; it cannot be fetched.",
    ),
    (
        r"private (video|post|account)|video is private|do not have permission to view|who follow this account",
        PermanentError,
        "video_private",
        "The video is private; ask its author, or upload the file.",
    ),
    (
        r"not (made this video )?available in your (country|region|location)|geo.?restrict|blocked it in your country",
        PermanentError,
        "video_region_locked",
        "The video is not shown in the country that this server is in; upload the file instead.",
    ),
    (
        r"there is no video in this post|no video formats found|requested format is not available",
        PermanentError,
        "source_no_video",
        "The post has no video that could be fetched; if it consists of photos, an Apify token is needed.",
    ),
    (
        r"log ?in|sign in|cookies|registered users",
        PermanentError,
        "source_login",
        "{site} shows this only to people with an account; upload the file instead.",
    ),
    (
        r"unavailable|not available|removed|deleted|terminated|does not exist|no longer|status code 102\d\d",
        PermanentError,
        "video_unavailable",
        "The video is not there any more, or not for everyone; check the link in a browser.",
    ),
]


def meaning(error: Exception, failure: ClipwiseError | None, site: str) -> ClipwiseError:
    """The error to end with, for one that yt-dlp raised.

    `failure` is why a request failed, if any did, for when the error says nothing; `site` is the platform's name.
    """
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ClipwiseError):
            return cause
    for cause in chain:
        if isinstance(cause, UserNotLive):
            return _error("video_live", site)
        if isinstance(cause, GeoRestrictedError):
            return _error("video_region_locked", site)
        if isinstance(cause, HTTPError):
            return _of_status(cause.status, site)
        if isinstance(cause, TransportError | NoSupportingHandlers):
            return TransientError("source_unavailable", f"{site} could not be reached.")
    said = " ".join(str(cause) for cause in chain)
    for pattern, _, code, _ in _SENTENCES:
        if re.search(pattern, said, re.IGNORECASE):
            return _error(code, site)
    return failure or PermanentError(
        "source_changed",
        f"{site} has changed, and this version of yt-dlp cannot read it; update it, or upload the file.",
    )


def _of_status(status: int, site: str) -> ClipwiseError:
    if status in (404, 410):
        return PermanentError("source_not_found", f"{site} finds nothing at this link (status {status}); check it.")
    if status in (403, 429):
        return TransientError("source_blocked", _BLOCKED.format(site=site))
    if status >= 500:
        return TransientError("source_unavailable", f"{site} cannot answer just now (status {status}).")
    return PermanentError("source_refused", f"{site} answered with status {status} instead of the video.")


def _error(code: str, site: str) -> ClipwiseError:
    kind, message = next((kind, message) for _, kind, name, message in _SENTENCES if name == code)
    return kind(code, message.format(site=site))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies behind it, the deepest last."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        told = getattr(current, "exc_info", None)
        waiting += [told[1] if told else None, getattr(current, "cause", None), current.__cause__]
