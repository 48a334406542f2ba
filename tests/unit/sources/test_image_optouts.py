"""What sites may say, and that it is heard."""

from __future__ import annotations

import json

import pytest
from protego import Protego

from shared.security.urls import parse_url
from shared.sources.images.optouts import (
    MAX_RULES,
    SitePolicy,
    has_opt_out,
    opt_out_reason,
    parse_reservations,
    parsing_cost,
)

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


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    """A site cannot hold up the crawl with a pattern that matches an address in more ways than can be tried."""
    pattern = "/" + "*a" * 40 + "*b"
    policy = site(f"User-agent: *\nDisallow: {pattern}", json.dumps([{"location": pattern, "tdm-reservation": 1}]))
    address = parse_url(f"https://a.example/{'a' * 5000}")
    assert policy.allows(address)
    assert opt_out_reason(address, {}, policy) is None


def test_names_of_many_robots_are_counted() -> None:
    """Rules are counted as often as they are stored, which few lines can make millions; usual files stay far below."""
    agents = "".join(f"User-agent: {number}\n" for number in range(1000))
    assert parsing_cost(agents + "Disallow: /x\n" * 1000) > MAX_RULES
    assert parsing_cost(agents + "Disallow: /x\n") < MAX_RULES / 5
    assert parsing_cost("".join(f"User-agent: {number}\nDisallow: /\n\n" for number in range(5000))) < MAX_RULES / 5
    assert parsing_cost("User-agent: *\n" + "Disallow: /x\n" * 30_000) < MAX_RULES / 5


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
        ("[" * 200_000, {}, None),
        ('[{"location": "/", "tdm-reservation": 1e999}]', {}, None),
        ('[{"location": "/*art*jpg$", "tdm-reservation": 1}]', {}, None),
        ('[{"location": "/*art*x=1$", "tdm-reservation": 1}]', {}, "tdm_reserved"),
        ('[{"location": "/art/1.jpg$", "tdm-reservation": 1}]', {}, None),
        ("", {"x-robots-tag": "noai", "tdm-reservation": "0"}, "x_robots_tag"),
    ],
)
def test_text_and_data_mining_reservations(tdm: str, headers: dict[str, str], reason: str | None) -> None:
    """A reservation in the answer or in the site's file keeps the image from being kept; the answer goes first."""
    assert opt_out_reason(URL, headers, site(tdm=tdm)) == reason
