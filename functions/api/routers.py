"""The routers by the paths that they serve: each is imported for the first request that it could answer.

Most instances of the function answer requests of one or two kinds; importing all routers would take most of its cold
start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastapi import APIRouter

Load = Callable[[], Sequence[APIRouter]]


class RouterGroup(NamedTuple):
    """Routers whose order among each other counts.

    Attributes:
        paths: The paths below which they serve everything, and no other group anything.
        prefixes: The same with a slash at the end.
        load: Imports and returns them.
    """

    paths: tuple[str, ...]
    prefixes: tuple[str, ...]
    load: Load

    def covers(self, path: str) -> bool:
        return path in self.paths or path.startswith(self.prefixes)


ROUTER_GROUPS: list[RouterGroup] = []
"""In the order of the OpenAPI document."""


def serves(*paths: str) -> Callable[[Load], Load]:
    """Add the routers that the decorated function returns to `ROUTER_GROUPS`."""

    def add(load: Load) -> Load:
        ROUTER_GROUPS.append(RouterGroup(paths, tuple(f"{path}/" for path in paths), load))
        return load

    return add


@serves("/healthz", "/v1/kinds", "/tasks", "/docs", "/redoc")
def _service() -> Sequence[APIRouter]:
    from functions.api.routes import service

    return [service.router]


@serves("/", "/favicon.ico", "/manifest.webmanifest", "/share", "/web", "/v1/capabilities")
def _console() -> Sequence[APIRouter]:
    from functions.api.routes import console

    return [console.router]


@serves("/v1/auth")
def _auth() -> Sequence[APIRouter]:
    from functions.api.routes import api_keys, auth

    return [auth.router, api_keys.router]


@serves("/v1/jobs", "/v1/uploads", "/v1/batches")
def _jobs() -> Sequence[APIRouter]:
    from functions.api.routes import batches, jobs

    return [jobs.router, batches.router]


@serves("/v1/videos")
def _videos() -> Sequence[APIRouter]:
    from functions.api.routes import videos

    return [videos.router]


@serves("/v1/groups")
def _groups() -> Sequence[APIRouter]:
    from functions.api.routes import groups

    return [groups.router]


@serves("/v1/shared")
def _shared_groups() -> Sequence[APIRouter]:
    from functions.api.routes import shared_groups

    return [shared_groups.router]


@serves("/v1/chat")
def _chat() -> Sequence[APIRouter]:
    from functions.api.routes import chat

    return [chat.router]


@serves("/v1/openai")
def _openai() -> Sequence[APIRouter]:
    from functions.api.routes import openai

    return [openai.router]


@serves("/mcp")
def _mcp() -> Sequence[APIRouter]:
    from functions.api.routes import mcp

    return [mcp.router]


@serves("/v1/search")
def _search() -> Sequence[APIRouter]:
    from functions.api.routes import search

    return [search.router]


@serves("/v1/datasets")
def _datasets() -> Sequence[APIRouter]:
    from functions.api.routes import dataset_images, datasets

    return [datasets.router, dataset_images.router]


@serves("/v1/webhooks")
def _webhooks() -> Sequence[APIRouter]:
    from functions.api.routes import webhooks

    return [webhooks.router]


@serves("/v1/feeds")
def _feeds() -> Sequence[APIRouter]:
    from functions.api.routes import feeds

    return [feeds.router]


@serves("/v1/operations", "/v1/usage")
def _operations() -> Sequence[APIRouter]:
    from functions.api.routes import operations, statistics

    return [operations.router, statistics.router]


@serves("/scrape", "/task")
def _compat_recipes() -> Sequence[APIRouter]:
    from functions.api.compat import recipes

    return [recipes.router]


@serves("/api/upload", "/api/status")
def _compat_reels() -> Sequence[APIRouter]:
    from functions.api.compat import reels

    return [reels.router]


@serves("/upload-video", "/video-status", "/video-metadata", "/videos", "/thumbnails")
def _compat_metadata() -> Sequence[APIRouter]:
    from functions.api.compat import metadata

    return [metadata.router]


@serves("/api/v1")
def _compat_crawler() -> Sequence[APIRouter]:
    from functions.api.compat import crawler

    return [crawler.router]


@serves("/api/auth")
def _compat_auth() -> Sequence[APIRouter]:
    from functions.api.compat import ask_video_auth

    return [ask_video_auth.router]


@serves("/api/videos")
def _compat_library() -> Sequence[APIRouter]:
    from functions.api.compat import ask_video_groups, ask_video_library

    # `/groups/shared/…` precedes `/groups/{group_id}/…`, which precedes `/{video_id}`.
    return [ask_video_groups.shared_router, ask_video_groups.router, ask_video_library.router]


@serves("/api/chat")
def _compat_chat() -> Sequence[APIRouter]:
    from functions.api.compat import ask_video_chat

    return [ask_video_chat.router]
