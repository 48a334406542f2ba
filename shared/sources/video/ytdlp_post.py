"""What yt-dlp tells of a video, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.languages import same_language
from shared.models.video import Origin
from shared.sources.video.platforms import PlatformPage
from shared.sources.video.post import (
    MAX_NAME,
    MAX_TAGS,
    CaptionFile,
    CaptionFormat,
    PlatformPost,
    clean_text,
    parse_count,
    parse_duration,
)

# Its automatic captions are in their best form in JSON: there they do not roll, and words have their times.
_CAPTION_FORMATS: list[CaptionFormat] = ["json3", "vtt", "srt"]
_ORIGINAL_SUFFIX = "-orig"


def parse_ytdlp_info(info: Mapping[str, Any], page: PlatformPage) -> PlatformPost:
    """From an info dictionary, as yt-dlp's documentation describes it."""
    author = clean_text(info.get("uploader"), MAX_NAME) or clean_text(info.get("channel"), MAX_NAME)
    title, caption = clean_text(info.get("title"), MAX_NAME), clean_text(info.get("description"))
    stamp = info.get("timestamp")
    return PlatformPost(
        origin=Origin(
            source="yt-dlp",
            page_url=page.url,
            music=_music_title(info),
            views=parse_count(info.get("view_count")),
            likes=parse_count(info.get("like_count")),
            comments=parse_count(info.get("comment_count")),
            shares=parse_count(info.get("repost_count")),
            tags=[tag for tag in (clean_text(tag, MAX_NAME) for tag in (info.get("tags") or [])[:MAX_TAGS]) if tag],
            published_at=datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int | float) and stamp > 0 else None,
        ),
        # TikTok and Instagram have no titles: yt-dlp makes them of the caption.
        title=title if page.platform == "youtube" else None,
        author=author,
        caption=caption or title,
        duration_sec=parse_duration(info.get("duration")),
        captions=_choose_captions(info),
    )


def _music_title(info: Mapping[str, Any]) -> str | None:
    track = clean_text(info.get("track"), MAX_NAME)
    artist = clean_text(", ".join(map(str, info.get("artists") or [])) or info.get("artist"), MAX_NAME)
    return f"{track} – {artist}" if track and artist else track


def _choose_captions(info: Mapping[str, Any]) -> CaptionFile | None:
    """In the video's own language: what people wrote before what a machine heard; never a translation."""
    spoken_language = info.get("language") or _spoken_language(info.get("automatic_captions") or {})
    for offered, names in (
        (info.get("subtitles") or {}, _caption_languages(info.get("subtitles") or {}, spoken_language)),
        (
            info.get("automatic_captions") or {},
            [f"{spoken_language}{_ORIGINAL_SUFFIX}", spoken_language] if spoken_language else [],
        ),
    ):
        for name in names:
            for caption_format in _CAPTION_FORMATS:
                for file in offered.get(name) or []:
                    if file.get("ext") == caption_format and (file.get("url") or file.get("data")):
                        language = name.removesuffix(_ORIGINAL_SUFFIX)
                        return CaptionFile(caption_format, language, file.get("url"), file.get("data"))
    return None


def _spoken_language(automatic: Mapping[str, Any]) -> str | None:
    return next((name.removesuffix(_ORIGINAL_SUFFIX) for name in automatic if name.endswith(_ORIGINAL_SUFFIX)), None)


def _caption_languages(offered: Mapping[str, Any], spoken_language: str | None) -> list[str]:
    languages = [name for name in offered if name != "live_chat"]
    if spoken_language is None:
        return languages if len(languages) == 1 else []
    return [name for name in languages if same_language(name, spoken_language)]
