"""What sites may say, and that it is heard."""

from __future__ import annotations

import pytest
from protego import Protego

from shared.security.urls import parse_url
from shared.sources.images.optouts import SitePolicy, has_opt_out, opt_out_reason, parse_reservations

URL = parse_url("https://a.example/art/1.jpg?x=1")


@pytest.mark.parametrize(
    ("header", "forbidden"),
    [
        ("", False),
        ("all", False),
        ("nofollow, nosnippet", False),
        ("noindex", True),
        ("None", True),
        ("nofollow, NOAI", True),
        ("noimageai", True),
        ("noimageindex", True),
        ("googlebot: noindex", False),
        ("googlebot: noindex, nofollow", False),
        ("clipwise: noindex", True),
        ("*: noai", True),
        ("googlebot: nofollow\nnoindex", True),
        ("unavailable_after: 25 Jun 2030 15:00:00 GMT, noindex", True),
        ("max-image-preview: none", False),
    ],
)
def test_x_robots_tag(header: str, forbidden: bool) -> None:
    """Rules for everyone and for us count, those for other robots do not."""
    assert has_opt_out(header) is forbidden


def site(robots: str = "", tdm: str = "") -> SitePolicy:
    return SitePolicy(Protego.parse(robots), parse_reservations(tdm), 0)


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Clipwise\nAllow: /", True),
        ("User-agent: clipwise\nDisallow: /*.jpg", False),
        ("User-agent: *\nDisallow: /*.png$", True),
        ("User-agent: *\nDisallow: /art/\nAllow: /art/1", True),
        ("User-agent: GPTBot\nDisallow: /", True),
    ],
)
def test_robots_txt(robots: str, allowed: bool) -> None:
    """Wildcards, the longest match and our own name are understood."""
    assert site(robots).allows(URL) is allowed


def test_a_site_whose_rules_cannot_be_had_is_left_alone() -> None:
    """Who cannot say what is forbidden has forbidden everything."""
    assert not SitePolicy(None, [], 0).allows(URL)


def test_a_delay_is_kept_to_within_reason() -> None:
    """robots.txt may slow us down, but not for ever."""
    assert site("User-agent: *\nCrawl-delay: 3").delay == 3
    assert site("User-agent: *\nCrawl-delay: 9999").delay == 10


@pytest.mark.parametrize(
    ("tdm", "headers", "reason"),
    [
        ("", {}, None),
        ("", {"tdm-reservation": "1"}, "tdm_reserved"),
        ('[{"location": "/art/*", "tdm-reservation": 1}]', {}, "tdm_reserved"),
        ('[{"location": "/art/*", "tdm-reservation": 1}]', {"tdm-reservation": "0"}, None),
        ('[{"location": "/art/1*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]', {}, None),
        ('[{"location": "/*.png$", "tdm-reservation": 1}]', {}, None),
        ("no JSON", {}, None),
        ('{"location": "/"}', {}, None),
        ("", {"x-robots-tag": "noai", "tdm-reservation": "0"}, "x_robots_tag"),
    ],
)
def test_text_and_data_mining_reservations(tdm: str, headers: dict[str, str], reason: str | None) -> None:
    """A reservation in the answer or in the site's file keeps the image from being kept; the answer goes first."""
    assert opt_out_reason(URL, headers, site(tdm=tdm)) == reason
