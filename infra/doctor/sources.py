"""Checks whether yt-dlp can read the platforms' pages from this machine, and whether a newer version exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from packaging.version import InvalidVersion, Version

from infra.api_client import open_client
from infra.doctor.findings import DoctorFinding, Findings, good, note, problem
from shared.error_codes.videos import SourceCode
from shared.errors import ClipwiseError
from shared.security.urls import parse_url
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.sources.video.links import PlatformPage

PAGES = (
    "https://www.youtube.com/watch?v=YE7VzlLtp-4",
    "https://www.tiktok.com/@patroxofficial/video/6742501081818877190",
    "https://www.instagram.com/p/aye83DjauH/",
)
"""Old public videos, with which yt-dlp's own tests check its extractors."""
RELEASES_URL = "https://api.github.com/repos/yt-dlp/yt-dlp/releases/latest"


def check_sources(settings: Settings) -> Findings:
    """Check each platform with a request for a public video's page, and yt-dlp and Deno themselves."""
    from yt_dlp.version import __version__

    from shared.sources.video.links import parse_page_url
    from shared.sources.video.ytdlp_scripts import deno_path

    installed, newest = Version(__version__), newest_version()
    update = f"run `pip install 'yt-dlp[default]=={newest}'`" if newest and newest > installed else ""
    if newest is None:
        yield note("yt-dlp", f"version {installed}; the newest one cannot be determined", "check network and proxy")
    elif update:
        yield note("yt-dlp", f"version {installed}; the newest is {newest}", update)
    else:
        yield good("yt-dlp", f"version {installed}, the newest")
    if deno_path():
        yield good("Deno", "runs the scripts of YouTube's players")
    else:
        yield note("Deno", "not available for this platform: YouTube offers fewer formats", "set APIFY_TOKEN")
    for url in PAGES:
        page = parse_page_url(parse_url(url))
        assert page is not None  # noqa: S101  # each is a page of a platform
        yield check_platform(page, settings, update)


def check_platform(page: PlatformPage, settings: Settings, update: str) -> DoctorFinding:
    """Report whether yt-dlp reads the page; `update` is the advice to install a newer version, if there is one."""
    from shared.sources.video.ytdlp import read_page

    subject = f"{page.site} by yt-dlp"
    try:
        read_page(page, settings, lambda *_: None)
    except ClipwiseError as error:
        if error.code in (SourceCode.SOURCE_CHANGED, SourceCode.SOURCE_NO_VIDEO):
            return problem(subject, error.message, update or "set APIFY_TOKEN, or wait for a version that reads it")
        return note(subject, error.message, update or "set APIFY_TOKEN, which is not blocked")
    return good(subject, "a public video's page is read")


def newest_version() -> Version | None:
    """Return the newest released version; None if it cannot be determined."""
    try:
        with open_client(RELEASES_URL, {}) as client:
            answer = client.get(RELEASES_URL, timeout=15).raise_for_status()
        return Version(answer.json()["tag_name"])
    except (httpx.HTTPError, httpx.InvalidURL, InvalidVersion, ValueError, KeyError, TypeError):
        return None
