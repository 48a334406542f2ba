"""A platform post as a source describes it, before its files are fetched, and its captions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.media.subtitles import parse_captions
from shared.media.text_encoding import decode_text
from shared.models.video import Origin, Transcript
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.settings import Settings

MAX_CAPTIONS_BYTES = 4_000_000
MAX_CAPTIONS_SEC = 20.0
MAX_TEXT, MAX_NAME, MAX_TAGS = 10_000, 300, 50
CaptionFormat = Literal["vtt", "srt", "json3"]
HeadersForUrl = Callable[[str], Mapping[str, str]]
"""Returns the request headers for a link."""


@dataclass(frozen=True)
class CaptionFile:
    """Captions of a post, as a link or as text.

    Attributes:
        language: BCP-47 tag, or the platform's spelling, e.g. `eng-US`.
    """

    format: CaptionFormat
    language: str | None
    url: str | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PlatformPost:
    """A post's metadata and files. Links may be signed: use them only to fetch, never display them.

    Attributes:
        video: Link to the video file.
        pictures: Links to the pictures of a carousel, if there is no video.
        sound: Link to the music of the carousel.
    """

    origin: Origin
    title: str | None = None
    author: str | None = None
    caption: str | None = None
    duration_sec: float | None = None
    video: str | None = field(default=None, repr=False)
    pictures: tuple[str, ...] = field(default=(), repr=False)
    sound: str | None = field(default=None, repr=False)
    captions: CaptionFile | None = field(default=None, repr=False)

    def metadata_fields(self, captions: Transcript | None, notes: list[str]) -> dict[str, Any]:
        """Return the fields of a FetchedFile that describe the post, not the file."""
        return {
            "title": self.title,
            "author": self.author,
            "caption": self.caption,
            "captions": captions,
            "origin": self.origin.model_copy(update={"notes": [*self.origin.notes, *notes]}),
        }


def read_captions(
    post: PlatformPost, settings: Settings, pulse: Callable[[], None], headers: HeadersForUrl = lambda url: {}
) -> tuple[Transcript | None, list[str]]:
    """Return the post's captions, and notes if they exist but cannot be read."""
    captions = post.captions
    if captions is None:
        return None, []
    try:
        text = captions.text
        if text is None:
            url = captions.url or ""
            text = decode_text(fetch_bytes(url, settings, pulse, headers(url)), captions.language)
        segments = parse_captions(text, captions.format)
    except ClipwiseError as error:
        return None, [f"Its captions could not be read: {error.message}"]
    if not segments:
        return None, []
    return Transcript(source="captions", language=captions.language, segments=segments), []


def fetch_bytes(url: str, settings: Settings, pulse: Callable[[], None], headers: Mapping[str, str]) -> bytes:
    """Fetch a file of at most 4 MB.

    Raises as `fetch_url`, TransientError `source_unavailable`, and PermanentError `source_encoded`.
    """
    limits = RequestLimits(time.monotonic() + MAX_CAPTIONS_SEC, pulse)
    with fetch_url(url, settings, limits, headers) as response:
        if response.status != 200:
            raise TransientError(
                "source_unavailable", f"The server rejected the request (status {response.status}). Try again later."
            )
        if response.is_encoded:
            raise PermanentError(
                "source_encoded", "The server sends the captions only compressed. Upload the video itself instead."
            )
        content = bytearray()
        for chunk in response.body:
            content += chunk
            if len(content) > MAX_CAPTIONS_BYTES:
                raise TransientError(
                    "source_unavailable",
                    f"The captions exceed {MAX_CAPTIONS_BYTES // 1_000_000} MB. Upload the video itself instead.",
                )
    return bytes(content)


def clean_text(value: object, max_length: int = MAX_TEXT) -> str | None:
    """Return untrusted text without control characters, cut to `max_length` characters; None if empty."""
    if not isinstance(value, str):
        return None
    text = "".join(c for c in value if c.isprintable() or c in "\n\u200d").strip()
    return text[:max_length] or None


def parse_count(value: object) -> int | None:
    """Return a number of views or likes; None for any other value (platforms report hidden counts as −1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    return int(value)


def parse_time(value: object) -> datetime | None:
    """Return the time of seconds since 1970 or of ISO 8601 text, in UTC; None for any other value."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(value, int | float) and value > 0:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):  # no time, or none of the years 1 to 9999
        return None
    return None


def parse_duration(value: object) -> float | None:
    """Return a duration in seconds; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return float(value)
