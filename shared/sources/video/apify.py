"""Platform videos fetched through Apify actors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import PermanentError
from shared.progress import Tick, tick_within
from shared.security.filenames import safe_filename
from shared.security.url_guard import check_url
from shared.security.urls import DEFAULT_PORTS
from shared.settings import Settings
from shared.sources.video.apify_actors import actor_input, actor_name, parse_actor_item, post_unavailable
from shared.sources.video.apify_api import run_actor
from shared.sources.video.carousel import fetch_carousel
from shared.sources.video.http import fetch_file
from shared.sources.video.post import PlatformPost, read_captions
from shared.sources.video.source import FetchedFile, FetchRequest

APIFY_URL = "https://api.apify.com"


def fetch_with_apify(request: FetchRequest, folder: Path, tick: Tick) -> FetchedFile:
    """Fetch a post with an Apify actor; a VideoSource.

    Raises:
        PermanentError: `source_key_invalid`; `source_setup` (no such actor, or it rejects its input);
            `source_no_video`, `too_long`, as `platform_error`; for the file, as `fetch_file`.
        InconclusiveError: `video_unavailable`, `source_unreadable`.
        TransientError: `source_quota`, `source_busy`, `source_failed` (the run), `source_unavailable`, `source_slow`;
            for the file, as `fetch_file`.
    """
    page, settings = request.page, allow_apify_host(request.settings)
    actor = actor_name(page, settings)
    items = run_actor(actor, actor_input(page, actor), settings, tick_within(tick, 0, 0.6), account=request.account)
    if not items:
        raise post_unavailable(page)
    post = parse_actor_item(items[0], page)
    request.check_duration(post.duration_sec)
    captions_tick = tick_within(tick, 0.6, 0.6)
    transcript, notes = read_captions(
        post, settings, lambda: captions_tick(0, "Reading the captions"), lambda url: auth_headers(url, settings)
    )
    fetched = _fetch_post_files(request, post, settings, folder, tick_within(tick, 0.6, 1), notes)
    name = safe_filename(f"{page.platform}-{page.id}{Path(fetched.filename or '').suffix[:5]}")
    return replace(fetched, filename=name, final_url=page.url, **post.metadata_fields(transcript, notes))


def _fetch_post_files(
    request: FetchRequest, post: PlatformPost, settings: Settings, folder: Path, tick: Tick, notes: list[str]
) -> FetchedFile:
    if post.video:
        return fetch_file(post.video, folder / "video", settings, tick, headers=auth_headers(post.video, settings))
    if post.pictures:
        return fetch_carousel(
            post, folder, settings, tick, request.max_duration_sec, lambda url: auth_headers(url, settings), notes
        )
    raise PermanentError(
        "source_no_video", f"The post on {request.page.site} has neither a video nor pictures. Check the link."
    )


def allow_apify_host(settings: Settings) -> Settings:
    """Return settings under which the URL guard also allows Apify's own server.

    Its address is configuration, not user input, so it may be private. Use these settings only for links from Apify,
    never for a user's link.
    """
    host, port = _host_and_port(settings.apify_base_url or APIFY_URL)
    host = f"[{host}]" if ":" in host else host
    return replace(settings, allow_hosts=",".join(filter(None, [settings.allow_hosts, f"{host}:{port}"])))


def auth_headers(url: str, settings: Settings) -> Mapping[str, str]:
    """Return the token as a header, only for Apify's own server, where actors store private files."""
    link, api = check_url(url, settings), urlsplit(settings.apify_base_url or APIFY_URL)
    is_apify = (link.scheme, link.host, link.port) == (
        api.scheme,
        *_host_and_port(settings.apify_base_url or APIFY_URL),
    )
    return {"Authorization": f"Bearer {settings.apify_token}"} if is_apify else {}


def _host_and_port(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS[parts.scheme]
