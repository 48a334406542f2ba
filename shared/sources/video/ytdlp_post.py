"""What yt-dlp tells of a video, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.languages import same_language
from shared.models.video import Origin
from shared.sources.video.platforms import Page
from shared.sources.video.post import MAX_NAME, MAX_TAGS, CaptionFile, CaptionFormat, Post, count, seconds, words

# Its automatic captions are in their best form in JSON: there they do not roll, and words have their times.
_FORMATS: list[CaptionFormat] = ["json3", "vtt", "srt"]
_ORIGINAL = "-orig"


def post_of(info: Mapping[str, Any], page: Page) -> Post:
    """From an info dictionary, as yt-dlp's documentation describes it."""
    author = words(info.get("uploader"), MAX_NAME) or words(info.get("channel"), MAX_NAME)
    title, caption = words(info.get("title"), MAX_NAME), words(info.get("description"))
    stamp = info.get("timestamp")
    return Post(
        origin=Origin(
            source="yt-dlp",
            page_url=page.url,
            music=_music(info),
            views=count(info.get("view_count")),
            likes=count(info.get("like_count")),
            comments=count(info.get("comment_count")),
            shares=count(info.get("repost_count")),
            tags=[tag for tag in (words(tag, MAX_NAME) for tag in (info.get("tags") or [])[:MAX_TAGS]) if tag],
            published_at=datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int | float) and stamp > 0 else None,
        ),
        # TikTok and Instagram have no titles: yt-dlp makes them of the caption.
        title=title if page.platform == "youtube" else None,
        author=author,
        caption=caption or title,
        duration_sec=seconds(info.get("duration")),
        captions=_captions(info),
    )


def _music(info: Mapping[str, Any]) -> str | None:
    track = words(info.get("track"), MAX_NAME)
    artist = words(", ".join(map(str, info.get("artists") or [])) or info.get("artist"), MAX_NAME)
    return f"{track} – {artist}" if track and artist else track


def _captions(info: Mapping[str, Any]) -> CaptionFile | None:
    """In the video's own language: what people wrote before what a machine heard; never a translation."""
    spoken = info.get("language") or _spoken(info.get("automatic_captions") or {})
    for offered, names in (
        (info.get("subtitles") or {}, _names(info.get("subtitles") or {}, spoken)),
        (info.get("automatic_captions") or {}, [f"{spoken}{_ORIGINAL}", spoken] if spoken else []),
    ):
        for name in names:
            for form in _FORMATS:
                for file in offered.get(name) or []:
                    if file.get("ext") == form and (file.get("url") or file.get("data")):
                        language = name.removesuffix(_ORIGINAL)
                        return CaptionFile(form, language, file.get("url"), file.get("data"))
    return None


def _spoken(automatic: Mapping[str, Any]) -> str | None:
    return next((name.removesuffix(_ORIGINAL) for name in automatic if name.endswith(_ORIGINAL)), None)


def _names(offered: Mapping[str, Any], spoken: str | None) -> list[str]:
    written = [name for name in offered if name != "live_chat"]
    if spoken is None:
        return written if len(written) == 1 else []
    return [name for name in written if same_language(name, spoken)]
