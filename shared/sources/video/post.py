"""A platform's post as a source tells of it, before its files are fetched; and the fetching of its captions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import ClipwiseError, TransientError
from shared.models.video import Origin, Transcript
from shared.security.guarded_http import RequestLimits, fetch_url
from shared.settings import Settings

MAX_CAPTIONS_BYTES = 4_000_000
MAX_CAPTIONS_SEC = 20.0
MAX_TEXT, MAX_NAME, MAX_TAGS = 10_000, 300, 50
CaptionFormat = Literal["vtt", "srt", "json3"]
HeadersForUrl = Callable[[str], Mapping[str, str]]
"""What to send along to a link."""


@dataclass(frozen=True)
class CaptionFile:
    """Where captions are, or the captions themselves.

    Attributes:
        language: BCP-47 tag or as the platform writes it, e.g. `eng-US`.
    """

    format: CaptionFormat
    language: str | None
    url: str | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PlatformPost:
    """What a source knows. Links may be signed: they are for fetching, never for showing.

    Attributes:
        video: The video's file.
        pictures: The pictures of a carousel, when there is no video.
        sound: The music behind the pictures.
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
        """The fields of a Fetched that are not about its file."""
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
    """The post's captions, and why there are none although its page has some."""
    captions = post.captions
    if captions is None:
        return None, []
    from shared.media.subtitles import parse_captions

    try:
        text = captions.text
        if text is None:
            url = captions.url or ""
            text = fetch_text(url, settings, pulse, headers(url))
        segments = parse_captions(text, captions.format)
    except ClipwiseError as error:
        return None, [f"Its captions could not be read: {error.message}"]
    if not segments:
        return None, []
    return Transcript(source="captions", language=captions.language, segments=segments), []


def fetch_text(url: str, settings: Settings, pulse: Callable[[], None], headers: Mapping[str, str]) -> str:
    """A small text behind a link; raises as `fetch_url`, and TransientError `source_unavailable`."""
    limits = RequestLimits(time.monotonic() + MAX_CAPTIONS_SEC, pulse)
    with fetch_url(url, settings, limits, headers) as response:
        if response.status != 200:
            raise TransientError(
                "source_unavailable", f"The server rejected the request (status {response.status}). Try again later."
            )
        content = bytearray()
        for chunk in response.body:
            content += chunk
            if len(content) > MAX_CAPTIONS_BYTES:
                raise TransientError(
                    "source_unavailable",
                    "The captions exceed {MAX_CAPTIONS_BYTES // 1_000_000} MB. Upload the video itself instead.",
                )
    return content.decode("utf-8", errors="replace")


def clean_text(value: object, max_length: int = MAX_TEXT) -> str | None:
    """Text as strangers write it, fit to be stored: without control characters, of bounded length; None when empty."""
    if not isinstance(value, str):
        return None
    text = "".join(c for c in value if c.isprintable() or c in "\n\u200d").strip()
    return text[:max_length] or None


def parse_count(value: object) -> int | None:
    """A number of views or likes; None for what is none (hidden ones are told as −1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    return int(value)


def parse_duration(value: object) -> float | None:
    """A duration; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return float(value)
