"""Input and output of the well-known Apify actors.

Input and output schemas: https://apify.com/clockworks/tiktok-scraper, https://apify.com/apify/instagram-scraper,
https://apify.com/apify/instagram-reel-scraper, https://apify.com/streamers/youtube-video-downloader (2026). Other
actors can be configured if they accept the same input; every field of their items is optional.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import ClipwiseError, TransientError
from shared.models.video import Origin
from shared.settings import Settings
from shared.sources.video.links import PlatformPage
from shared.sources.video.post import (
    MAX_NAME,
    MAX_TAGS,
    CaptionFile,
    PlatformPost,
    clean_text,
    parse_count,
    parse_duration,
    parse_time,
)
from shared.sources.video.source import InconclusiveError, platform_error

ActorItem = Mapping[str, Any]
# Actors that take links in their list of account names.
_USERNAME_ACTORS = ("apify/instagram-reel-scraper", "apify/instagram-post-scraper")


def actor_name(page: PlatformPage, settings: Settings) -> str:
    return {
        "tiktok": settings.apify_tiktok_actor,
        "instagram": settings.apify_instagram_actor,
        "youtube": settings.apify_youtube_actor,
    }[page.platform]


def actor_input(page: PlatformPage, actor: str) -> dict[str, Any]:
    """Return the input that makes an actor fetch one post, with its video if the actor can store it."""
    match page.platform:
        case "tiktok":
            return {
                "postURLs": [page.url],
                "resultsPerPage": 1,
                "scrapeRelatedVideos": False,
                "shouldDownloadVideos": True,
                "shouldDownloadCovers": False,
                "shouldDownloadSlideshowImages": True,
                "downloadSubtitlesOptions": "DOWNLOAD_SUBTITLES",
            }
        case "instagram":
            if actor in _USERNAME_ACTORS:
                return {"username": [page.url], "resultsLimit": 1}
            return {"directUrls": [page.url], "resultsType": "posts", "resultsLimit": 1, "addParentData": False}
        case "youtube":
            return {
                "videos": [{"url": page.url}],
                "preferredFormat": "mp4",
                "preferredQuality": "720p",
                "storeInKVStore": True,
            }


def parse_actor_item(item: ActorItem, page: PlatformPage) -> PlatformPost:
    """Parse an item of an actor's dataset. Raises the error that the item contains, if any."""
    item_error = _error_of_item(item, page)
    if item_error:
        raise item_error
    match page.platform:
        case "tiktok":
            return _parse_tiktok(item, page)
        case "instagram":
            return _parse_instagram(item, page)
        case "youtube":
            return _parse_youtube(item, page)


def _error_of_item(item: ActorItem, page: PlatformPage) -> ClipwiseError | None:
    """Return the error in an item: an actor that cannot read a post succeeds and puts the reason into the item.

    Most actors cannot distinguish a private post from a deleted one, nor either from being blocked.
    """
    code, description = clean_text(item.get("error"), MAX_NAME), clean_text(item.get("errorDescription"), MAX_NAME)
    if code is None:
        return None
    text = f"{code} {description or ''} {item.get('errorCode', '')}"
    if error := platform_error(text):
        return error
    if re.search(r"not.?found|no_items|private|does not exist|unavailable|restricted", text, re.IGNORECASE):
        return post_unavailable(page)
    return TransientError("source_unavailable", f"Apify could not read the post on {page.site}. Try again later.")


def post_unavailable(page: PlatformPage) -> InconclusiveError:
    return InconclusiveError(
        "video_unavailable",
        f"Apify cannot read the post on {page.site}: it was removed, or is not available to everyone. "
        "Open the link in a browser to check it.",
    )


def _parse_tiktok(item: ActorItem, page: PlatformPage) -> PlatformPost:
    video, music = _object_field(item, "videoMeta"), _object_field(item, "musicMeta")
    slides = [
        _first_link(_field_values(slide, "downloadLink", "tiktokLink"))
        for slide in _object_list(item, "slideshowImageLinks")
    ]
    pictures = tuple(link for link in slides if link)
    author = _object_field(item, "authorMeta")
    return PlatformPost(
        origin=_build_origin(
            page,
            music=_music_title(music.get("musicName"), music.get("musicAuthor")),
            views=item.get("playCount"),
            likes=item.get("diggCount"),
            comments=item.get("commentCount"),
            shares=item.get("shareCount"),
            tags=[tag.get("name") for tag in _object_list(item, "hashtags")],
            published=item.get("createTimeISO"),
        ),
        author=clean_text(author.get("name"), MAX_NAME) or clean_text(author.get("nickName"), MAX_NAME),
        caption=clean_text(item.get("text")),
        duration_sec=None if pictures else parse_duration(video.get("duration")),
        video=None if pictures else _first_link([*_list_field(item, "mediaUrls"), video.get("downloadAddr")]),
        pictures=pictures,
        sound=_first_link([music.get("playUrl")]),
        captions=_choose_tiktok_captions(video, clean_text(item.get("textLanguage"), MAX_NAME)),
    )


def _choose_tiktok_captions(video: ActorItem, language: str | None) -> CaptionFile | None:
    """Return captions from speech recognition or the author, never a machine translation."""
    links = [
        link
        for link in _object_list(video, "subtitleLinks")
        if _first_link(_field_values(link, "downloadLink", "tiktokLink"))
    ]
    links.sort(
        key=lambda link: (
            str(link.get("source", "")).upper() == "MT",
            language is None or str(link.get("language", ""))[:2].lower() != language[:2].lower(),
        )
    )
    if not links or str(links[0].get("source", "")).upper() == "MT":
        return None
    return CaptionFile(
        "vtt",
        clean_text(links[0].get("language"), 20),
        _first_link(_field_values(links[0], "downloadLink", "tiktokLink")),
    )


def _parse_instagram(item: ActorItem, page: PlatformPage) -> PlatformPost:
    children = _object_list(item, "childPosts")
    videos = [link for link in (_first_link(_field_values(child, "videoUrl")) for child in children) if link]
    main_video = _first_link(_field_values(item, "downloadedVideo", "videoUrl"))
    display_url = _first_link(_field_values(item, "displayUrl"))
    pictures = [link for link in (_first_link(_field_values(child, "displayUrl")) for child in children) if link]
    pictures = (
        pictures
        or [link for link in _list_field(item, "images") if _is_link(link)]
        or ([display_url] if display_url else [])
    )
    music = _object_field(item, "musicInfo")
    video = main_video or _first_link(videos)
    origin = _build_origin(
        page,
        music=_music_title(music.get("song_name"), music.get("artist_name")),
        views=item.get("videoPlayCount") or item.get("videoViewCount"),
        likes=item.get("likesCount"),
        comments=item.get("commentsCount"),
        shares=item.get("sharesCount"),
        tags=_list_field(item, "hashtags"),
        published=item.get("timestamp"),
    )
    if not main_video and video and len(children) > 1:
        origin.notes.append(f"The post has {len(children)} parts; only its first video was downloaded.")
    return PlatformPost(
        origin=origin,
        title=clean_text(item.get("title"), MAX_NAME),
        author=clean_text(item.get("ownerUsername"), MAX_NAME) or clean_text(item.get("ownerFullName"), MAX_NAME),
        caption=clean_text(item.get("caption")),
        duration_sec=parse_duration(item.get("videoDuration")) if main_video else None,
        video=video,
        pictures=() if video else tuple(pictures),
        sound=_first_link(_field_values(item, "audioUrl")),
    )


def _parse_youtube(item: ActorItem, page: PlatformPage) -> PlatformPost:
    return PlatformPost(
        origin=_build_origin(
            page,
            views=item.get("viewCount"),
            likes=item.get("likes", item.get("likeCount")),
            comments=item.get("commentsCount", item.get("commentCount")),
            tags=_list_field(item, "hashtags"),
            published=item.get("date", item.get("publishedAt")),
        ),
        title=clean_text(item.get("title"), MAX_NAME),
        author=clean_text(item.get("channelName"), MAX_NAME) or clean_text(item.get("channelTitle"), MAX_NAME),
        caption=clean_text(item.get("text")) or clean_text(item.get("description")),
        duration_sec=parse_duration(item.get("durationSeconds")),
        video=_first_link(_field_values(item, "downloadedFileUrl", "downloadUrl")),
    )


def _build_origin(
    page: PlatformPage,
    *,
    music: str | None = None,
    views: object = None,
    likes: object = None,
    comments: object = None,
    shares: object = None,
    tags: list[Any],
    published: object = None,
) -> Origin:
    return Origin(
        source="apify",
        page_url=page.url,
        music=music,
        views=parse_count(views),
        likes=parse_count(likes),
        comments=parse_count(comments),
        shares=parse_count(shares),
        tags=[tag for tag in (clean_text(tag, MAX_NAME) for tag in tags[:MAX_TAGS]) if tag],
        published_at=parse_time(published),
    )


def _music_title(name: object, author: object) -> str | None:
    parts = [part for part in (clean_text(name, MAX_NAME), clean_text(author, MAX_NAME)) if part]
    return " – ".join(parts) or None


def _object_field(item: ActorItem, name: str) -> ActorItem:
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def _list_field(item: ActorItem, name: str) -> list[Any]:
    value = item.get(name)
    return value if isinstance(value, list) else []


def _object_list(item: ActorItem, name: str) -> list[ActorItem]:
    return [value for value in _list_field(item, name) if isinstance(value, dict)]


def _field_values(item: ActorItem, *names: str) -> Iterator[Any]:
    return (item.get(name) for name in names)


def _first_link(values: Any) -> str | None:
    return next((value for value in values if _is_link(value)), None)


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
