"""What the check of the platforms says about yt-dlp."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yt_dlp.version

from infra.doctor import sources
from infra.doctor.findings import Level
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.settings import Settings
from shared.sources.video import ytdlp

CHANGED = PermanentError("source_changed", "TikTok has changed.")
BLOCKED = TransientError("source_blocked", "Instagram blocks automated requests from this server at present.")


class Releases(StandInServer):
    def __init__(self, newest: str) -> None:
        super().__init__()
        self.newest = newest

    def reply_to(self, asked: RecordedRequest) -> Reply:
        return Reply({"tag_name": self.newest})


def check(
    monkeypatch: pytest.MonkeyPatch, newest: str, errors: dict[str, ClipwiseError]
) -> dict[str, tuple[Level, str]]:
    """The findings by subject: level and advice."""

    def read_page(page: ytdlp.PlatformPage, *_: object) -> None:
        if page.platform in errors:
            raise errors[page.platform]

    monkeypatch.setattr(ytdlp, "read_page", read_page)
    monkeypatch.setattr(yt_dlp.version, "__version__", "2026.10.26")
    with Releases(newest) as server:
        monkeypatch.setattr(sources, "RELEASES_URL", server.url)
        return {found.subject: (found.level, found.advice) for found in sources.check_sources(Settings())}


def test_a_broken_extractor_is_named_with_the_version_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks why TikTok fails learns that the extractor is broken, and which version to install."""
    rows = check(monkeypatch, "2026.11.20", {"tiktok": CHANGED, "instagram": BLOCKED})
    advice = "run `pip install 'yt-dlp[default]==2026.11.20'`"
    assert rows["TikTok by yt-dlp"] == (Level.PROBLEM, advice)
    assert rows["Instagram by yt-dlp"] == (Level.NOTE, advice)
    assert rows["YouTube by yt-dlp"] == (Level.GOOD, "")
    assert rows["yt-dlp"] == (Level.NOTE, advice)


def test_the_newest_version_needs_no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """No update is advised where none exists; what else helps is."""
    rows = check(monkeypatch, "2026.10.26", {"tiktok": CHANGED})
    assert rows["yt-dlp"] == (Level.GOOD, "")
    assert "APIFY_TOKEN" in rows["TikTok by yt-dlp"][1]


def test_no_network_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, each platform is reported as unreachable, without a claim that a version is the newest."""
    offline: Callable[[str], ClipwiseError] = lambda site: TransientError(  # noqa: E731
        "source_unavailable", f"{site} could not be reached. Try again later."
    )
    rows = check(monkeypatch, "no version", {name: offline(name) for name in ("youtube", "tiktok", "instagram")})
    assert rows["yt-dlp"] == (Level.NOTE, "check network and proxy")
    assert {level for subject, (level, _) in rows.items() if "by yt-dlp" in subject} == {Level.NOTE}
