"""When two links are the same link."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.security.urls import normalise_url

SAME = [
    ("HTTPS://Example.COM/V", "https://example.com/V"),
    ("https://example.com:443/v", "https://example.com/v"),
    ("http://example.com:80", "http://example.com/"),
    ("https://example.com./v", "https://example.com/v"),
    ("  https://example.com/v#t=10\n", "https://example.com/v"),
    ("https://example.com/v?", "https://example.com/v"),
    ("https://example.com/v?&a=1&&b=2&", "https://example.com/v?a=1&b=2"),
    ("https://example.com/a/./b/../c/%2e%2E/d", "https://example.com/a/d"),
    ("https://example.com/../../v", "https://example.com/v"),
    ("https://example.com/%7euser/%e4%bd%a0", "https://example.com/~user/%E4%BD%A0"),
    ("https://example.com/你 好", "https://example.com/%E4%BD%A0%20%E5%A5%BD"),
    ("https://example.com/100%", "https://example.com/100%25"),
    ("https://MÜNCHEN.example/", "https://xn--mnchen-3ya.example/"),
    ("https://[2606:4700:0:0::1111]:443/", "https://[2606:4700::1111]/"),
    ("https://e.com/v?utm_source=x&a=1&UTM_Medium=y&fbclid=z", "https://e.com/v?a=1"),
    ("https://www.instagram.com/reel/C1/?igsh=MTc4&utm_source=qr", "https://www.instagram.com/reel/C1/"),
    ("https://youtu.be/abc?si=xyz&t=10", "https://youtu.be/abc?t=10"),
    ("https://m.youtube.com/watch?v=abc&feature=share&pp=x", "https://m.youtube.com/watch?v=abc"),
    ("https://www.tiktok.com/@a/video/1?_r=1&_t=8&is_from_webapp=1", "https://www.tiktok.com/@a/video/1"),
    ("https://e.com/v?utm%5Fsource=x", "https://e.com/v"),
]

DIFFERENT = [
    ("https://example.com/v", "http://example.com/v"),
    ("https://example.com/v", "https://example.com/V"),
    ("https://example.com/v", "https://example.com/v/"),
    ("https://example.com/v", "https://www.example.com/v"),
    ("https://example.com:8443/v", "https://example.com/v"),
    ("https://example.com/v?a=1&b=2", "https://example.com/v?b=2&a=1"),
    ("https://example.com/v?a=1&a=2", "https://example.com/v?a=2&a=1"),
    ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ("https://example.com/a%252e", "https://example.com/a."),
    ("https://example.com/v?si=1", "https://example.com/v"),
    ("https://example.com/v?a=%26", "https://example.com/v?a=&"),
    ("https://example.com//v", "https://example.com/v"),
]

HOSTS = st.one_of(
    st.sampled_from(["example.com", "EXAMPLE.com.", "bücher.example", "youtu.be", "[2606:4700::1]", "8.8.8.8"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(lambda label: f"{label}.com"),
)
TEXTS = st.text(
    st.one_of(st.sampled_from("%2e5F./?&=;:@#+ \\[]|~utm_si"), st.characters(exclude_categories=["Cs"])), max_size=40
)


@pytest.mark.parametrize(("given_url", "canonical"), SAME)
def test_one_form_for_one_link(given_url: str, canonical: str) -> None:
    """Spelling, sharing marks and fragments do not make another link."""
    assert normalise_url(given_url) == canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_links_stay_different(one: str, other: str) -> None:
    """What a server can tell apart is never taken for the same."""
    assert normalise_url(one) != normalise_url(other)


@given(st.sampled_from(["http", "https", "HTTPS"]), HOSTS, st.sampled_from(["", ":", ":443", ":8080"]), TEXTS)
@example("https", "example.com", "", "/%25%32%65/%2%35?%")
@example("https", "example.com", "", "/.//..//x/.")
def test_the_canonical_form_is_stable(scheme: str, host: str, port: str, rest: str) -> None:
    """Normalising twice changes nothing, and gives ASCII without blanks."""
    try:
        once = normalise_url(f"{scheme}://{host}{port}/{rest}")
    except PermanentError:
        assume(False)
    assert normalise_url(once) == once
    assert once.isascii()
    assert not set(once) & set(" \t\n#<>\"'`{}|\\^") - {"'"}


@given(st.text())
@example("http://\ud800.com/")
@example("https://xn--a.com/")
def test_any_text_gets_an_answer(text: str) -> None:
    """Whatever is pasted in is normalised or refused with a code; nothing else is raised."""
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        with suppress(PermanentError):
            normalise_url(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "url_not_allowed"),
        ("https://a:b@example.com/", "url_not_allowed"),
        ("v.mp4", "url_invalid"),
    ],
)
def test_refuses_what_is_no_web_link(url: str, code: str) -> None:
    """Only http(s) links have a canonical form."""
    with pytest.raises(PermanentError) as caught:
        normalise_url(url)
    assert caught.value.code == code
