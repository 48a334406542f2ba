"""Items as the well-known actors give them, about one and the same video, whatever link they are asked for."""

from __future__ import annotations

from typing import Any

from infra.stand_ins.apify_server import ApifyServer

AUTHOR = "clipwise.kitchen"
CAPTION = "Tomato pasta in ten minutes 🍝 #pasta #dinner"
TAGS = ["pasta", "dinner"]
PUBLISHED = "2026-10-05T17:30:00.000Z"


def actor_items(
    server: ApifyServer, actor: str, run_input: dict[str, Any], duration: float = 30
) -> list[dict[str, Any]]:
    """One post with the server's stored file `video.mp4`, and `captions.vtt` where it is stored, too."""
    video = server.record_url("video.mp4")
    if "postURLs" in run_input:
        return [tiktok_post(server, run_input["postURLs"][0], video, duration)]
    if "videos" in run_input:
        return [youtube_post(run_input["videos"][0]["url"], video, duration)]
    return [instagram_post((run_input.get("directUrls") or run_input["username"])[0], video, duration)]


def tiktok_post(server: ApifyServer, url: str, video: str, duration: float) -> dict[str, Any]:
    captions = {"language": "eng-US", "downloadLink": server.record_url("captions.vtt"), "source": "ASR"}
    translated = {**captions, "language": "deu-DE", "source": "MT"}
    return {
        "id": "7412345678901234567",
        "text": CAPTION,
        "textLanguage": "en",
        "createTime": 1791221400,
        "createTimeISO": PUBLISHED,
        "isAd": False,
        "authorMeta": {"id": "1", "name": AUTHOR, "nickName": "Clipwise Kitchen", "fans": 1200},
        "musicMeta": {"musicName": "original sound", "musicAuthor": AUTHOR, "musicOriginal": True},
        "webVideoUrl": url,
        "mediaUrls": [video],
        "videoMeta": {
            "height": 1280,
            "width": 720,
            "duration": duration,
            "format": "mp4",
            "subtitleLinks": [translated, captions] if "captions.vtt" in server.files else [],
        },
        "diggCount": 4200,
        "shareCount": 37,
        "playCount": 98000,
        "collectCount": 310,
        "commentCount": 151,
        "mentions": [],
        "hashtags": [{"name": tag} for tag in TAGS],
        "isSlideshow": False,
        "isPinned": False,
        "isSponsored": False,
    }


def instagram_post(url: str, video: str, duration: float) -> dict[str, Any]:
    return {
        "inputUrl": url,
        "id": "3000000000000000001",
        "type": "Video",
        "shortCode": "DAbCdEfGhIj",
        "caption": CAPTION,
        "hashtags": TAGS,
        "mentions": [],
        "url": url,
        "commentsCount": 151,
        "dimensionsHeight": 1280,
        "dimensionsWidth": 720,
        "displayUrl": "https://scontent.cdninstagram.com/v/cover.jpg",
        "images": [],
        "videoUrl": video,
        "likesCount": 4200,
        "videoViewCount": 90000,
        "videoPlayCount": 98000,
        "timestamp": PUBLISHED,
        "childPosts": [],
        "ownerFullName": "Clipwise Kitchen",
        "ownerUsername": AUTHOR,
        "productType": "clips",
        "videoDuration": duration,
        "musicInfo": {"artist_name": AUTHOR, "song_name": "original sound", "uses_original_audio": True},
    }


def youtube_post(url: str, video: str, duration: float) -> dict[str, Any]:
    return {
        "id": "dQw4w9WgXcQ",
        "sourceUrl": url,
        "title": "Tomato pasta in ten minutes",
        "channelTitle": "Clipwise Kitchen",
        "durationSeconds": duration,
        "fileKey": "video.mp4",
        "downloadedFileUrl": video,
    }
