"""What a platform says about a video itself: one code and one sentence, whichever source reads the page.

No source could say otherwise, so `choice` ends with these errors; to change what a private video leads to, change them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from shared.errors import PermanentError


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
    """The error for a platform's or an extractor's words; None when they do not state why the video is out of reach."""
    return next(
        (create_error() for pattern, create_error in _PATTERNS if re.search(pattern, text, re.IGNORECASE)), None
    )
