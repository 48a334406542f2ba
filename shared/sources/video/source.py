"""The contract of sources for platform pages: request, fetched file, and the errors that describe a video itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import PermanentError
from shared.models.video import Origin, Transcript
from shared.progress import Tick
from shared.settings import Settings
from shared.sources.spending import UNLIMITED, SpendingAccount
from shared.sources.video.links import PlatformPage

_ROUNDING_SEC = 1.0  # sources report whole seconds


@dataclass(frozen=True)
class FetchedFile:
    """A file that was fetched and checked.

    Attributes:
        size: Size in bytes.
        content_type: Media type by content.
        final_url: Link after redirects. It may be signed: never display it.
        filename: For display only; None if the source provides none.
        title: The author's title; None if the source provides none.
        author: Name of the account that posted the video.
        caption: Text posted with the video.
        captions: Captions from the page; None if it has none.
    """

    path: Path
    size: int
    content_type: str
    final_url: str
    filename: str | None
    title: str | None = None
    author: str | None = None
    caption: str | None = None
    origin: Origin | None = None
    captions: Transcript | None = None


@dataclass(frozen=True)
class FetchRequest:
    """A video to fetch from a platform page.

    Attributes:
        max_duration_sec: A longer video is rejected before the download, if its page states the duration.
        needs_video: Audio alone is not enough.
        account: Pays for paid sources.
    """

    page: PlatformPage
    settings: Settings
    max_duration_sec: float
    needs_video: bool
    account: SpendingAccount = UNLIMITED

    def check_duration(self, seconds: float | None) -> None:
        """Raise PermanentError `too_long` if the duration exceeds the limit."""
        if seconds is not None and seconds > self.max_duration_sec + _ROUNDING_SEC:
            limit = f"{self.max_duration_sec:g} seconds"
            raise PermanentError("too_long", f"The video is longer than {limit}. Send a shorter one.")


VideoSource = Callable[[FetchRequest, Path, Tick], FetchedFile]
"""Fetches the video of a page into an empty folder, with its metadata and `origin.source`.

Raises PermanentError and TransientError, and what the tick raises. The codes in
`shared.sources.video.fetcher.FINAL_CODES` describe the video itself, so no other source is tried after them. After any
other error, the next source is tried.
"""


class InconclusiveError(PermanentError):
    """A source cannot distinguish this from being blocked, so the next source is tried."""


def video_age_restricted() -> PermanentError:
    return PermanentError(
        "video_age_restricted",
        "The platform restricts this video to signed-in adults. Download it yourself and upload the file.",
    )


def video_live() -> PermanentError:
    return PermanentError(
        "video_live",
        "The video is a live stream, or has not started. Submit the link again after the stream has ended.",
    )


def video_protected() -> PermanentError:
    return PermanentError("video_protected", "The video is protected by DRM, so it cannot be fetched. Choose another.")


def video_login_required() -> PermanentError:
    return PermanentError(
        "video_login_required", "The platform restricts this video to members or buyers. Choose another video."
    )


def video_private() -> PermanentError:
    return PermanentError("video_private", "The video is private. Ask its author for access, or upload the file.")


def video_region_locked() -> PermanentError:
    return PermanentError(
        "video_region_locked", "The video is not available in the country of this server. Upload the file instead."
    )


# The first that matches counts.
_PATTERNS: list[tuple[str, Callable[[], PermanentError]]] = [
    (
        r"confirm your age|age.?restrict|inappropriate for some users|not be comfortable|restricted video",
        video_age_restricted,
    ),
    (
        r"live event|livestream|is live\b|premieres in|will begin in|not currently live|is upcoming",
        video_live,
    ),
    (r"\bdrm\b", video_protected),
    (r"members.only|join this channel|requires payment|purchase|premium", video_login_required),
    (
        r"private (video|post|account)|(video|post|account) is private|do not have permission to view"
        r"|who follow this account",
        video_private,
    ),
    (
        r"not (made this video )?available in your (country|region|location)|geo.?restrict|blocked it in your country",
        video_region_locked,
    ),
]


def platform_error(text: str) -> PermanentError | None:
    """Return the error that a platform's or an extractor's message states; None if it names no known reason."""
    return next(
        (create_error() for pattern, create_error in _PATTERNS if re.search(pattern, text, re.IGNORECASE)), None
    )
