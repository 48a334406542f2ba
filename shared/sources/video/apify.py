"""Pages of platforms, read by actors that run at Apify."""

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
from shared.sources.video.actors import actor_of, input_of, no_post, post_of
from shared.sources.video.apify_api import run_actor
from shared.sources.video.fetched import Fetched
from shared.sources.video.http import fetch as fetch_file
from shared.sources.video.post import Post, read_captions
from shared.sources.video.source import Wish

OFFICIAL = "https://api.apify.com"


def fetch(wish: Wish, folder: Path, tick: Tick) -> Fetched:
    """A Source.

    Raises:
        PermanentError: `source_key_invalid`; `source_setup` (no such actor, or it refuses its input);
            `source_no_video`, `too_long`, what `verdicts` has; of the file, what `http.fetch` raises.
        Uncertain: `video_unavailable`.
        TransientError: `source_quota`, `source_busy`, `source_failed` (the run), `source_unavailable`, `source_slow`;
            of the file, what `http.fetch` raises.
    """
    page, settings = wish.page, with_api(wish.settings)
    actor = actor_of(page, settings)
    items = run_actor(actor, input_of(page, actor), settings, tick_within(tick, 0, 0.6))
    if not items:
        raise no_post(page)
    post = post_of(items[0], page)
    wish.check_duration(post.duration_sec)
    reading = tick_within(tick, 0.6, 0.6)
    transcript, notes = read_captions(
        post, settings, lambda: reading(0, "Reading the captions"), lambda url: credentials(url, settings)
    )
    fetched = _fetch_files(wish, post, settings, folder, tick_within(tick, 0.6, 1), notes)
    name = safe_filename(f"{page.platform}-{page.id}{Path(fetched.filename or '').suffix[:5]}")
    return replace(fetched, filename=name, final_url=page.url, **post.known(transcript, notes))


def _fetch_files(wish: Wish, post: Post, settings: Settings, folder: Path, tick: Tick, notes: list[str]) -> Fetched:
    if post.video:
        return fetch_file(post.video, folder / "video", settings, tick, headers=credentials(post.video, settings))
    if post.pictures:
        from shared.sources.video.carousel import fetch_carousel

        return fetch_carousel(
            post, folder, settings, tick, wish.longest_sec, lambda url: credentials(url, settings), notes
        )
    raise PermanentError(
        "source_no_video", f"The post on {wish.page.site} has neither a video nor pictures. Check the link."
    )


def with_api(settings: Settings) -> Settings:
    """The settings under which Apify's own server, and no other more, is let through the URL guard.

    Its address is configuration, not a user's word, so it may be private. These settings are used only for what Apify
    itself names, never for a user's link.
    """
    host, port = _server(settings.apify_base_url or OFFICIAL)
    host = f"[{host}]" if ":" in host else host
    return replace(settings, allow_hosts=",".join(filter(None, [settings.allow_hosts, f"{host}:{port}"])))


def credentials(url: str, settings: Settings) -> Mapping[str, str]:
    """The token, for Apify's own server alone: what actors store there is private, what they link to is not theirs."""
    link, api = check_url(url, settings), urlsplit(settings.apify_base_url or OFFICIAL)
    own = (link.scheme, link.host, link.port) == (api.scheme, *_server(settings.apify_base_url or OFFICIAL))
    return {"Authorization": f"Bearer {settings.apify_token}"} if own else {}


def _server(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS[parts.scheme]
