"""A stand-in for Apify's API v2 by its published reference (https://docs.apify.com/api/v2).

A function returns the items of a run: `ApifyServer(actor_items)` returns the same post for every link. Store its video
first: `server.store_file("video.mp4", "video/mp4", content)`.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.stand_ins.server import RecordedRequest, Reply, StandInServer

PARAMETERS = {"maxItems", "maxTotalChargeUsd", "timeout", "waitForFinish"}
TOKEN = "apify_api_0123456789abcdefghij"
STARTED = "2026-11-01T12:00:00.000Z"
END_STATUSES = ("SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED")
ItemSource = Callable[["ApifyServer", str, dict[str, Any]], list[Any]]
"""Returns the items of a run, for the actor's name (`user/name`) and its input."""
AUTHOR = "clipwise.kitchen"
CAPTION = "Tomato pasta in ten minutes 🍝 #pasta #dinner"
TAGS = ["pasta", "dinner"]
PUBLISHED = "2026-10-05T17:30:00.000Z"


@dataclass
class ActorRun:
    """A run of an actor. Each request returns the next of `statuses`; the last one stays."""

    id: str
    actor: str
    run_input: dict[str, Any]
    statuses: deque[str]
    items: list[Any] = field(default_factory=list)
    cost_usd: float = 0.0

    def next_status(self) -> str:
        return self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]


class ApifyServer(StandInServer):
    """Runs actors: returns the items of `item_source`.

    Attributes:
        runs: All started runs, by id.
        statuses: Statuses of the runs that are started from now on.
        failing: Replies to use instead, once each, by route: `start`, `run`, `abort`, `items`, `record`.
        files: Content type and bytes of the stored files, by key.
        cost_usd: What each run costs.
    """

    def __init__(self, item_source: ItemSource) -> None:
        super().__init__()
        self.runs: dict[str, ActorRun] = {}
        self.statuses: Sequence[str] = ("READY", "SUCCEEDED")
        self.failing: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self.files: dict[str, tuple[str, bytes]] = {}
        self.cost_usd = 0.0
        self._item_source = item_source

    def record_url(self, key: str) -> str:
        """Return the URL of a stored file."""
        return f"{self.url}/v2/key-value-stores/store1/records/{key}"

    def store_file(self, key: str, content_type: str, content: bytes) -> str:
        """Store a file; returns its URL."""
        self.files[key] = (content_type, content)
        return self.record_url(key)

    def requests_for(self, route: str) -> list[RecordedRequest]:
        """Return the requests of one route."""
        return [request for request in self.requests if _route(request)[0] == route]

    def reply_to(self, request: RecordedRequest) -> Reply:
        route, name = _route(request)
        if not route:
            self.problems.append(f"{request.method} {request.path} is not served")
            return error_reply(404, "page-not-found")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error_reply(401, "user-or-token-not-found")
        if "token=" in request.path:
            self.problems.append("the token is in the URL, where logs show it")
        if self.failing[route]:
            return self.failing[route].popleft()
        if route == "record":
            return self._record_reply(name)
        if route == "start":
            return self._start_run(name, request)
        run = self.runs.get(name)
        if run is None:
            return error_reply(404, "record-not-found")
        if route == "items":
            return dataset_page_reply(run.items)
        if route == "abort":
            run.statuses = deque(["ABORTED"])
        return Reply({"data": _to_run_json(run)})

    def _start_run(self, actor: str, request: RecordedRequest) -> Reply:
        query = parse_qs(urlsplit(request.path).query)
        self.problems += [f"unknown parameter {key}" for key in query.keys() - PARAMETERS]
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return error_reply(400, "invalid-input")
        problems = input_problems(actor, request.json)
        if problems:
            self.problems += problems
            return error_reply(400, "invalid-input")
        run = ActorRun(f"run{len(self.runs) + 1}", actor, request.json, deque(self.statuses), cost_usd=self.cost_usd)
        run.items = self._item_source(self, actor, request.json)
        self.runs[run.id] = run
        return Reply({"data": _to_run_json(run)}, status=201)

    def _record_reply(self, key: str) -> Reply:
        if key not in self.files:
            return error_reply(404, "record-not-found")
        content_type, content = self.files[key]
        return Reply(content, headers={"content-type": content_type})


def error_reply(status: int, kind: str, **headers: str) -> Reply:
    return Reply({"error": {"type": kind, "message": f"What {kind} means."}}, status, headers)


def dataset_page_reply(items: list[Any]) -> Reply:
    """Return a page of a dataset."""
    paging = {"total": len(items), "offset": 0, "count": len(items), "limit": 1, "desc": "false"}
    return Reply(items, headers={f"x-apify-pagination-{name}": str(value) for name, value in paging.items()})


def input_problems(actor: str, run_input: Any) -> list[str]:
    """Return the violations of an actor's input schema, for the actors and fields that we use."""
    input_schemas: dict[str, dict[str, type]] = {
        "clockworks/tiktok-scraper": {
            "postURLs": list,
            "resultsPerPage": int,
            "scrapeRelatedVideos": bool,
            "shouldDownloadVideos": bool,
            "shouldDownloadCovers": bool,
            "shouldDownloadSlideshowImages": bool,
            "downloadSubtitlesOptions": str,
        },
        "apify/instagram-scraper": {"directUrls": list, "resultsType": str, "resultsLimit": int, "addParentData": bool},
        "apify/instagram-reel-scraper": {"username": list, "resultsLimit": int},
        "streamers/youtube-video-downloader": {
            "videos": list,
            "preferredFormat": str,
            "preferredQuality": str,
            "storeInKVStore": bool,
        },
    }
    if actor not in input_schemas:
        return []
    fields = input_schemas[actor]
    return [
        f"{actor}: {name} is unknown or of the wrong type"
        for name, value in run_input.items()
        if name not in fields or not isinstance(value, fields[name])
    ]


def _route(request: RecordedRequest) -> tuple[str, str]:
    """Return the route's name, and the id, key or actor in its path."""
    path = unquote(urlsplit(request.path).path)
    for method, pattern, route in (
        ("POST", r"/v2/act(?:or)?s/([\w.-]+~[\w.-]+)/runs", "start"),
        ("GET", r"/v2/actor-runs/(\w+)", "run"),
        ("POST", r"/v2/actor-runs/(\w+)/abort", "abort"),
        ("GET", r"/v2/datasets/(\w+)/items", "items"),
        ("GET", r"/v2/key-value-stores/\w+/records/([\w.-]+)", "record"),
    ):
        match = re.fullmatch(pattern, path)
        if match and request.method == method:
            return route, match[1].replace("~", "/")
    return "", ""


def _to_run_json(run: ActorRun) -> dict[str, Any]:
    status = run.next_status()
    return {
        "id": run.id,
        "actId": "HDSasDasz78YcAPEB",
        "userId": "7sT5jcggjjA9fNcxF",
        "startedAt": STARTED,
        "finishedAt": STARTED if status in END_STATUSES else None,
        "status": status,
        "meta": {"origin": "API"},
        "stats": {"restartCount": 0},
        "options": {"build": "latest", "timeoutSecs": 120, "memoryMbytes": 1024, "diskMbytes": 2048},
        "buildId": "7sT5jcggjjA9fNcxG",
        "defaultKeyValueStoreId": "store1",
        "defaultDatasetId": run.id,
        "defaultRequestQueueId": "queue1",
        "usageTotalUsd": run.cost_usd,
    }


def actor_items(
    server: ApifyServer, actor: str, run_input: dict[str, Any], duration: float = 30
) -> list[dict[str, Any]]:
    """Return one post with the stored file `video.mp4`, and `captions.vtt` if it is stored."""
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
