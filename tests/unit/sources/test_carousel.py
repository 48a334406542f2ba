"""Photo carousels: pictures become a video that the rest of the pipeline takes like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stand_ins.apify_server import CAPTION, TOKEN, ApifyServer, actor_items
from shared.errors import Cancelled, ClipwiseError
from shared.media.probe import probe
from shared.security.urls import parse_url
from shared.settings import Settings
from shared.sources.video import carousel
from shared.sources.video.apify import fetch_with_apify
from shared.sources.video.carousel import decode_picture, size_within
from shared.sources.video.links import parse_page_url
from shared.sources.video.source import FetchedFile, FetchRequest
from tests.media_samples import audio_only
from tests.unit.sources.site import Page, Site, served_site

TIKTOK = "https://www.tiktok.com/@clipwise.kitchen/photo/7412345678901234567"
INSTAGRAM = "https://www.instagram.com/p/DAbCdEfGhIj/"


def picture(width: int, height: int, suffix: str = "jpg", colour: int = 90) -> bytes:
    _, encoded = cv2.imencode(f".{suffix}", np.full((height, width, 3), (colour, 200, 60), np.uint8))
    return encoded.tobytes()


@pytest.fixture
def site() -> Iterator[Site]:
    with served_site() as served:
        served.pages |= {
            "/1.jpg": Page(picture(90, 160), "image/jpeg"),
            "/2.png": Page(picture(320, 100, "png"), "image/png"),
            "/3.webp": Page(picture(77, 55, "webp"), "image/webp"),
            "/text.jpg": Page(b"<html>no picture</html>", "image/jpeg"),
            "/broken.jpg": Page(picture(90, 160)[:60], "image/jpeg"),
        }
        yield served


def silent(done: float, what: str) -> None:
    return None


def fetch_post(
    site: Site,
    folder: Path,
    names: list[str],
    url: str = TIKTOK,
    sound: str | None = None,
    longest: float = 180,
    tick: Any = silent,
) -> FetchedFile:
    links = [site.url(f"/{name}") for name in names]

    def answer(server: ApifyServer, actor: str, run_input: dict[str, Any]) -> list[Any]:
        item = actor_items(server, actor, run_input)[0]
        if url is TIKTOK:
            slides = [{"tiktokLink": "https://p16.tiktokcdn.com/x", "downloadLink": link} for link in links]
            item |= {"isSlideshow": True, "slideshowImageLinks": slides, "mediaUrls": []}
            item["musicMeta"] |= {"playUrl": sound}
        else:
            item |= {"type": "Sidecar", "videoUrl": None, "childPosts": [{"displayUrl": link} for link in links]}
        return [item]

    with ApifyServer(answer) as apify:
        settings = Settings(apify_token=TOKEN, apify_base_url=apify.url, allow_hosts=site.address)
        page = parse_page_url(parse_url(url))
        assert page
        return fetch_with_apify(FetchRequest(page, settings, longest, needs_video=True), folder, tick)


@pytest.mark.parametrize("url", [TIKTOK, INSTAGRAM])
def test_pictures_become_a_video(site: Site, folder: Path, url: str) -> None:
    """Each picture of a carousel is seen for three seconds, at the first one's size, with the post's text."""
    result = fetch_post(site, folder, ["1.jpg", "2.png", "3.webp"], url)
    info = probe(result.path)
    assert (result.content_type, result.size, result.caption) == ("video/mp4", result.path.stat().st_size, CAPTION)
    assert (info.width, info.height, info.duration_sec, info.has_audio) == (90, 160, pytest.approx(9, abs=0.1), False)
    assert result.origin
    assert result.origin.notes == []


def test_the_music_plays_as_long_as_the_pictures(site: Site, folder: Path, tmp_path: Path) -> None:
    """The post's music is behind its pictures, and ends with them."""
    site.pages["/music.mp3"] = Page(audio_only(tmp_path / "music.mp3", 20).read_bytes(), "audio/mpeg")
    info = probe(fetch_post(site, folder, ["1.jpg"], sound=site.url("/music.mp3")).path)
    assert info.has_audio
    assert info.duration_sec == pytest.approx(3, abs=0.2)


def test_music_that_cannot_be_had_is_left_out(site: Site, folder: Path) -> None:
    """Without its music a carousel is still shown, and the job says what is missing."""
    result = fetch_post(site, folder, ["1.jpg"], sound=site.url("/gone.mp3"))
    assert not probe(result.path).has_audio
    assert result.origin
    assert "music" in result.origin.notes[0]


def test_bad_pictures_are_left_out(site: Site, folder: Path) -> None:
    """Pictures that are missing, broken or none are passed over, and the job says how many could be used."""
    result = fetch_post(site, folder, ["gone.jpg", "text.jpg", "broken.jpg", "1.jpg"])
    assert probe(result.path).duration_sec == pytest.approx(3, abs=0.1)
    assert result.origin
    assert result.origin.notes == ["1 of the post's 4 pictures could be used."]


@pytest.mark.parametrize(
    ("name", "code"),
    [("text.jpg", "source_no_video"), ("broken.jpg", "source_no_video"), ("busy.jpg", "source_unavailable")],
)
def test_no_picture_is_no_video(site: Site, folder: Path, name: str, code: str) -> None:
    """A carousel of which nothing can be read ends with a clear error; what may be readable later is tried again."""
    site.pages["/busy.jpg"] = Page(status=503)
    with pytest.raises(ClipwiseError) as caught:
        fetch_post(site, folder, [name])
    assert caught.value.code == code


def test_the_number_of_pictures_is_bounded(site: Site, folder: Path) -> None:
    """However many pictures a post claims to have, a bounded number is fetched."""
    result = fetch_post(site, folder, ["3.webp"] * 50)
    assert len(site.asked("/3.webp")) == carousel.MAX_PICTURES
    assert result.origin
    assert result.origin.notes == ["35 of the post's 50 pictures could be used."]


def test_a_carousel_keeps_to_the_longest_video(site: Site, folder: Path) -> None:
    """Where videos may only be short, each picture is shown for less, rather than refusing the post."""
    info = probe(fetch_post(site, folder, ["1.jpg", "2.png", "3.webp"], longest=3).path)
    assert info.duration_sec == pytest.approx(3, abs=0.1)


def test_a_bomb_is_not_decoded(tmp_path: Path) -> None:
    """A picture that would unfold to more pixels than are handled is refused by its header."""
    path = tmp_path / "bomb"
    path.write_bytes(picture(9000, 40, "png"))
    assert decode_picture(path) is None


def test_cancelling_stops_it(site: Site, folder: Path) -> None:
    """A job that is cancelled while its pictures are made into a video stops there."""

    def cancelled(done: float, what: str) -> None:
        if "Rendering" in what:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch_post(site, folder, ["1.jpg"], tick=cancelled)


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_sizes_are_even_and_within(width: int, height: int) -> None:
    """Whatever the picture's form, the video's size is one that encoders take."""
    size = size_within(width, height, carousel.LARGEST_SIZE)
    assert all(side % 2 == 0 and side >= 2 for side in size)
    assert min(size) <= carousel.LARGEST_SIZE[0] + 1
    assert max(size) <= carousel.LARGEST_SIZE[1] + 1
