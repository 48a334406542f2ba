"""Short links, followed through the guard to the page they stand for."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from shared.errors import Cancelled, ClipwiseError, PermanentError, TransientError
from shared.settings import Settings
from shared.sources.video.links import resolve_page
from tests.hostile_server import HostileServer

PAGE = "https://www.tiktok.com/@a/video/741?_r=1&_t=ZM"
Names = Callable[..., list[str]]


def silent(done: float, what: str) -> None:
    return None


def short(server: HostileServer, target: str, host: str = "vm.tiktok.com") -> tuple[str, Settings]:
    """A link at a platform's short host, served here, that redirects to `target`."""
    authority = f"{host}:{server.server_address[1]}"
    return f"http://{authority}/redirect?to={quote(target, safe='')}", Settings(allow_hosts=authority)


@pytest.mark.parametrize("host", ["vm.tiktok.com", "vt.tiktok.com"])
def test_a_short_link_is_followed(hostile: HostileServer, everywhere: Names, host: str) -> None:
    """A link of the share button gives the page of the video, which is not asked for yet."""
    lookups = everywhere(host)
    page = resolve_page(*short(hostile, PAGE, host), silent)
    assert page
    assert page.url == "https://www.tiktok.com/@a/video/741"
    assert lookups == [host]


def test_a_page_needs_no_request(everywhere: Names) -> None:
    """A page's own link is understood without asking anybody."""
    lookups = everywhere()
    page = resolve_page("https://youtu.be/dQw4w9WgXcQ", Settings(), silent)
    assert page
    assert page.url == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert lookups == []


def test_other_hosts_are_left_alone(everywhere: Names) -> None:
    """An ordinary link is not touched before it is downloaded."""
    lookups = everywhere()
    assert resolve_page("https://example.com/video.mp4", Settings(), silent) is None
    assert lookups == []


@pytest.mark.parametrize(
    ("target", "kind", "code"),
    [
        ("/404", PermanentError, "source_not_found"),
        ("/ok.mp4", PermanentError, "source_not_found"),
        ("/503", TransientError, "source_unavailable"),
        ("/429", TransientError, "source_unavailable"),
        ("https://www.tiktok.com/@someone", PermanentError, "not_a_video"),
        ("https://www.instagram.com/accounts/login/?next=/reel/x/", TransientError, "source_blocked"),
        ("https://www.tiktok.com/", PermanentError, "not_a_video"),
        ("http://169.254.169.254/latest/meta-data/", PermanentError, "url_not_allowed"),
        ("/redirect-loop", PermanentError, "source_redirects"),
    ],
)
def test_short_links_that_lead_nowhere(
    hostile: HostileServer, everywhere: Names, target: str, kind: type[ClipwiseError], code: str
) -> None:
    """A short link to nothing, to a profile or inward ends with a clear answer, hop by hop through the guard."""
    everywhere("vm.tiktok.com")
    with pytest.raises(kind) as caught:
        resolve_page(*short(hostile, target), silent)
    assert caught.value.code == code


def test_following_can_be_cancelled(hostile: HostileServer, everywhere: Names) -> None:
    """A job that is cancelled while its short link is followed stops there."""
    everywhere("vm.tiktok.com")

    def cancelled(done: float, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        resolve_page(*short(hostile, PAGE), cancelled)
