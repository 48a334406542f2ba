"""The well-known Apify actors: what they are asked, and what their items say.

Input and output schemas: https://apify.com/clockworks/tiktok-scraper, https://apify.com/apify/instagram-scraper,
https://apify.com/apify/instagram-reel-scraper, https://apify.com/streamers/youtube-video-downloader (2026). Others can
be configured as long as they understand the same input; of their items, every field may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from shared.errors import ClipwiseError, TransientError
from shared.models.video import Origin
from shared.settings import Settings
from shared.sources.video.platforms import Page
from shared.sources.video.post import MAX_NAME, MAX_TAGS, CaptionFile, Post, count, seconds, words
from shared.sources.video.verdicts import Uncertain, verdict

Item = Mapping[str, Any]

# Those that take links among names of accounts.
_BY_NAME = ("apify/instagram-reel-scraper", "apify/instagram-post-scraper")


def actor_of(page: Page, settings: Settings) -> str:
    return {
        "tiktok": settings.apify_tiktok_actor,
        "instagram": settings.apify_instagram_actor,
        "youtube": settings.apify_youtube_actor,
    }[page.platform]


def input_of(page: Page, actor: str) -> dict[str, Any]:
    """What an actor is asked to get one post, with its video where the actor can store it."""
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
            if actor in _BY_NAME:
                return {"username": [page.url], "resultsLimit": 1}
            return {"directUrls": [page.url], "resultsType": "posts", "resultsLimit": 1, "addParentData": False}
        case "youtube":
            return {
                "videos": [{"url": page.url}],
                "preferredFormat": "mp4",
                "preferredQuality": "720p",
                "storeInKVStore": True,
            }


def post_of(item: Item, page: Page) -> Post:
    """What an item says; raises what `_refusal` finds in an item that is an error."""
    refused = _refusal(item, page)
    if refused:
        raise refused
    match page.platform:
        case "tiktok":
            return _tiktok(item, page)
        case "instagram":
            return _instagram(item, page)
        case "youtube":
            return _youtube(item, page)


def _refusal(item: Item, page: Page) -> ClipwiseError | None:
    """The error in an item: actors that cannot read a post succeed, and put the reason into the item.

    Most actors cannot distinguish a private post from a deleted one, nor either from being blocked.
    """
    code, said = words(item.get("error"), MAX_NAME), words(item.get("errorDescription"), MAX_NAME)
    if code is None:
        return None
    text = f"{code} {said or ''} {item.get('errorCode', '')}"
    if error := verdict(text):
        return error
    if re.search(r"not.?found|no_items|private|does not exist|unavailable|restricted", text, re.IGNORECASE):
        return no_post(page)
    return TransientError("source_unavailable", f"Apify could not read the post on {page.site}. Try again later.")


def no_post(page: Page) -> Uncertain:
    return Uncertain(
        "video_unavailable",
        f"Apify cannot read the post on {page.site}: it was removed, or is not available to everyone. "
        "Open the link in a browser to check it.",
    )


def _tiktok(item: Item, page: Page) -> Post:
    video, music = _map(item, "videoMeta"), _map(item, "musicMeta")
    slides = [_first(_texts(slide, "downloadLink", "tiktokLink")) for slide in _maps(item, "slideshowImageLinks")]
    pictures = tuple(link for link in slides if link)
    author = _map(item, "authorMeta")
    return Post(
        origin=_origin(
            page,
            music=_music(music.get("musicName"), music.get("musicAuthor")),
            views=item.get("playCount"),
            likes=item.get("diggCount"),
            comments=item.get("commentCount"),
            shares=item.get("shareCount"),
            tags=[tag.get("name") for tag in _maps(item, "hashtags")],
            published=item.get("createTimeISO"),
        ),
        author=words(author.get("name"), MAX_NAME) or words(author.get("nickName"), MAX_NAME),
        caption=words(item.get("text")),
        duration_sec=None if pictures else seconds(video.get("duration")),
        video=None if pictures else _first([*_list(item, "mediaUrls"), video.get("downloadAddr")]),
        pictures=pictures,
        sound=_first([music.get("playUrl")]),
        captions=_tiktok_captions(video, words(item.get("textLanguage"), MAX_NAME)),
    )


def _tiktok_captions(video: Item, language: str | None) -> CaptionFile | None:
    """What the platform heard or the author wrote, before machine translations of it."""
    links = [link for link in _maps(video, "subtitleLinks") if _first(_texts(link, "downloadLink", "tiktokLink"))]
    links.sort(
        key=lambda link: (
            str(link.get("source", "")).upper() == "MT",
            language is None or str(link.get("language", ""))[:2].lower() != language[:2].lower(),
        )
    )
    if not links or str(links[0].get("source", "")).upper() == "MT":
        return None
    return CaptionFile(
        "vtt", words(links[0].get("language"), 20), _first(_texts(links[0], "downloadLink", "tiktokLink"))
    )


def _instagram(item: Item, page: Page) -> Post:
    children = _maps(item, "childPosts")
    videos = [link for link in (_first(_texts(child, "videoUrl")) for child in children) if link]
    own = _first(_texts(item, "downloadedVideo", "videoUrl"))
    shown = _first(_texts(item, "displayUrl"))
    pictures = [link for link in (_first(_texts(child, "displayUrl")) for child in children) if link]
    pictures = pictures or [link for link in _list(item, "images") if _is_link(link)] or ([shown] if shown else [])
    music = _map(item, "musicInfo")
    video = own or _first(videos)
    origin = _origin(
        page,
        music=_music(music.get("song_name"), music.get("artist_name")),
        views=item.get("videoPlayCount") or item.get("videoViewCount"),
        likes=item.get("likesCount"),
        comments=item.get("commentsCount"),
        shares=item.get("sharesCount"),
        tags=_list(item, "hashtags"),
        published=item.get("timestamp"),
    )
    if not own and video and len(children) > 1:
        origin.notes.append(f"The post has {len(children)} parts; only its first video was downloaded.")
    return Post(
        origin=origin,
        title=words(item.get("title"), MAX_NAME),
        author=words(item.get("ownerUsername"), MAX_NAME) or words(item.get("ownerFullName"), MAX_NAME),
        caption=words(item.get("caption")),
        duration_sec=seconds(item.get("videoDuration")) if own else None,
        video=video,
        pictures=() if video else tuple(pictures),
        sound=_first(_texts(item, "audioUrl")),
    )


def _youtube(item: Item, page: Page) -> Post:
    return Post(
        origin=_origin(
            page,
            views=item.get("viewCount"),
            likes=item.get("likes", item.get("likeCount")),
            comments=item.get("commentsCount", item.get("commentCount")),
            tags=_list(item, "hashtags"),
            published=item.get("date", item.get("publishedAt")),
        ),
        title=words(item.get("title"), MAX_NAME),
        author=words(item.get("channelName"), MAX_NAME) or words(item.get("channelTitle"), MAX_NAME),
        caption=words(item.get("text")) or words(item.get("description")),
        duration_sec=seconds(item.get("durationSeconds")),
        video=_first(_texts(item, "downloadedFileUrl", "downloadUrl")),
    )


def _origin(
    page: Page,
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
        views=count(views),
        likes=count(likes),
        comments=count(comments),
        shares=count(shares),
        tags=[tag for tag in (words(tag, MAX_NAME) for tag in tags[:MAX_TAGS]) if tag],
        published_at=_when(published),
    )


def _when(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _music(name: object, author: object) -> str | None:
    parts = [part for part in (words(name, MAX_NAME), words(author, MAX_NAME)) if part]
    return " – ".join(parts) or None


def _map(item: Item, name: str) -> Item:
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def _list(item: Item, name: str) -> list[Any]:
    value = item.get(name)
    return value if isinstance(value, list) else []


def _maps(item: Item, name: str) -> list[Item]:
    return [value for value in _list(item, name) if isinstance(value, dict)]


def _texts(item: Item, *names: str) -> Iterator[Any]:
    return (item.get(name) for name in names)


def _first(values: Any) -> str | None:
    return next((value for value in values if _is_link(value)), None)


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
