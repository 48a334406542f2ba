"""Groups of videos, their order, and the links that show them to others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared import clock
from shared.models.video import Frame, MediaInfo, Video
from shared.pipeline.job_storage import MEDIA, UPLOADS, media_name, source_name
from tests.api_site import Site

INFO = MediaInfo(container="mov", size_bytes=1, duration_sec=90, has_video=True, has_audio=True)


@pytest.fixture
def videos(site: Site) -> list[str]:
    return [site.submit(f"https://example.com/{number}", title=f"Film {number}")["id"] for number in range(3)]


def group_of(site: Site, *videos: str, name: str = "Soups") -> str:
    answer = site.client.post("/v1/groups", json={"name": name})
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["id"])
    if videos:
        assert put(site, id, *videos).status_code == 200
    return id


def put(site: Site, group: str, *videos: str) -> httpx.Response:
    return site.client.post(f"/v1/groups/{group}/videos", json={"video_ids": list(videos)})


def order(site: Site, group: str) -> list[str]:
    return [video["id"] for video in site.client.get(f"/v1/groups/{group}").json()["videos"]]


def share(site: Site, group: str, **wish: Any) -> dict[str, Any]:
    answer = site.client.post(f"/v1/groups/{group}/share", json=wish)
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_group_is_made_renamed_and_deleted(site: Site, videos: list[str]) -> None:
    """Deleting a group leaves its videos."""
    group = group_of(site, *videos)
    changed = site.client.patch(f"/v1/groups/{group}", json={"name": "Stews", "description": "Hot"}).json()
    assert (changed["name"], changed["description"], changed["videoIds"]) == ("Stews", "Hot", videos)
    assert [one["name"] for one in site.client.get("/v1/groups").json()["groups"]] == ["Stews"]
    assert site.client.delete(f"/v1/groups/{group}").status_code == 204
    assert site.client.get(f"/v1/groups/{group}").status_code == 404
    assert len(site.client.get("/v1/videos").json()["videos"]) == 3


def test_groups_come_in_pages(site: Site) -> None:
    """A list of many groups holds each once."""
    made = [group_of(site, name=f"G{number}") for number in range(3)]
    first = site.client.get("/v1/groups", params={"limit": 2}).json()
    rest = site.client.get("/v1/groups", params={"limit": 2, "cursor": first["cursor"]}).json()
    assert [one["id"] for one in first["groups"] + rest["groups"]] == made[::-1]
    assert rest["cursor"] is None


def test_videos_go_in_and_out(site: Site, videos: list[str]) -> None:
    """Adding twice is the same as once; only one's own videos can be added; taking one out leaves the video."""
    group = group_of(site, videos[0])
    put(site, group, videos[1], videos[0], videos[1])
    assert order(site, group) == videos[:2]
    assert problem(put(site, group, "0" * 32)) == (422, "no_such_video")
    assert site.client.delete(f"/v1/groups/{group}/videos/{videos[0]}").status_code == 200
    assert order(site, group) == [videos[1]]
    assert site.client.delete(f"/v1/groups/{group}/videos/{videos[0]}").status_code == 404


def test_an_order_names_every_video_once(site: Site, videos: list[str]) -> None:
    """An order that leaves a video out, doubles or invents one changes nothing, so that none is lost by mistake."""
    group = group_of(site, *videos)
    wanted = [videos[2], videos[0], videos[1]]
    assert site.client.put(f"/v1/groups/{group}/order", json={"video_ids": wanted}).status_code == 200
    for wrong in (wanted[:2], [*wanted, wanted[0]], [*wanted[:2], "0" * 32], [wanted[0]] * 3):
        answer = site.client.put(f"/v1/groups/{group}/order", json={"video_ids": wrong})
        assert problem(answer) == (422, "order_mismatch")
    assert order(site, group) == wanted


def test_a_deleted_video_leaves_its_groups(site: Site, videos: list[str]) -> None:
    """The group goes on without it, and can be put in order again."""
    group = group_of(site, *videos)
    assert site.client.delete(f"/v1/videos/{videos[1]}").status_code == 204
    assert order(site, group) == [videos[0], videos[2]]
    left = {"video_ids": [videos[2], videos[0]]}
    assert site.client.put(f"/v1/groups/{group}/order", json=left).status_code == 200


def test_a_link_shows_the_group_to_anyone(site: Site, videos: list[str]) -> None:
    """Whoever has the link sees titles, order and thumbnails, and where to begin, without an account."""
    for id in videos:
        picture = Frame(name="thumbnail.jpg", time=1, width=3, height=2)
        site.change(id, video=Video(info=INFO, thumbnail=picture, title="Found"))
        site.place.place.objects.put(MEDIA, media_name(id, "thumbnail.jpg"), b"jpeg", "image/jpeg")
    link = share(site, group_of(site, *videos))
    site.configure(AUTH_REQUIRED="true")
    seen = httpx.get(f"{link['url']}?video={videos[1]}&t=75").json()
    assert (seen["name"], [video["title"] for video in seen["videos"]]) == ("Soups", ["Film 0", "Film 1", "Film 2"])
    assert seen["start"] == {"videoId": videos[1], "seconds": 75}
    assert httpx.get(seen["videos"][0]["thumbnailUrl"]).content == b"jpeg"
    assert httpx.get(f"{link['url']}?video={videos[1]}&t=999").json()["start"]["seconds"] == 90
    assert not {"owner", "token", "tokenHash"} & seen.keys()


def test_a_link_lets_nobody_do_more(site: Site, videos: list[str]) -> None:
    """Through a link only the group's own videos are seen, and nothing can be changed."""
    shown, other = videos[0], videos[1]
    for id in (shown, other):
        site.place.place.objects.put(UPLOADS, source_name(id), b"bytes", "video/mp4")
    link = share(site, group_of(site, shown))
    site.configure(AUTH_REQUIRED="true")
    played = httpx.get(f"{link['url']}/videos/{shown}/source")
    assert (played.status_code, httpx.get(played.headers["location"]).content) == (307, b"bytes")
    for path in (f"/videos/{other}/source", f"/videos/{other}/transcript"):
        assert httpx.get(f"{link['url']}{path}").status_code == 404
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert httpx.request(method, link["url"]).status_code == 405
    assert httpx.get(f"{site.url}/v1/videos/{shown}", headers={"Authorization": link["token"]}).status_code == 401


def test_links_end(site: Site, videos: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A revoked, replaced or expired link shows nothing any more, and none of them tells which it was."""
    group = group_of(site, *videos)
    first = share(site, group)
    later = (clock.now() + timedelta(hours=1)).isoformat()
    second = share(site, group, expires_at=later)
    ended = httpx.get(first["url"])
    assert ended.status_code == 404
    assert httpx.get(second["url"]).status_code == 200
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=2))
    assert httpx.get(second["url"]).json() == ended.json()
    monkeypatch.undo()
    third = share(site, group)
    assert site.client.delete(f"/v1/groups/{group}/share").status_code == 204
    assert httpx.get(third["url"]).json() == ended.json()
    assert site.client.get(f"/v1/groups/{group}").json()["share"] is None
    past = site.client.post(f"/v1/groups/{group}/share", json={"expires_at": "2020-01-01T00:00:00Z"})
    assert problem(past) == (422, "expired_already")


def test_the_token_is_not_kept(site: Site, videos: list[str]) -> None:
    """Who reads the database finds no link that works."""
    group = group_of(site, *videos)
    token = share(site, group)["token"]
    assert len(token) >= 32
    stored = site.place.place.documents.get("groups", group)
    assert stored is not None
    assert token not in str(stored.data)


def test_a_group_has_a_name(site: Site) -> None:
    """A group cannot be called nothing, neither when it is made nor later."""
    group = group_of(site)
    for name in ("", "  "):
        assert problem(site.client.post("/v1/groups", json={"name": name})) == (422, "invalid_request")
        assert problem(site.client.patch(f"/v1/groups/{group}", json={"name": name})) == (422, "invalid_request")


def test_a_link_can_leave_out_questions(site: Site, videos: list[str]) -> None:
    """The owner, who pays for answers, shares a group to be read only."""
    group = group_of(site, *videos)
    link = share(site, group, chat=False)
    assert link["chat"] is False
    assert httpx.get(link["url"]).json()["chat"] is False
    question = {"share_token": link["token"], "messages": [{"role": "user", "content": "Honey?"}]}
    assert problem(site.client.post("/v1/chat", json=question)) == (403, "chat_not_shared")
    assert "chat" not in httpx.get(link["url"], headers={"Accept": "text/html"}).text.partition("<main")[2]


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("fr", "en"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("en;q=0.5, ru", "ru"), ("de;q=x, ru;q=0", "en")],
)
def test_a_shared_page_speaks_the_readers_language(site: Site, videos: list[str], header: str, language: str) -> None:
    """The page of a link comes in the first language of the browser that there are texts in, also when it has ended."""
    link = share(site, group_of(site, *videos))
    accept = {"Accept": "text/html", "Accept-Language": header}
    for url in (link["url"], f"{site.url}/v1/shared/none"):
        page = httpx.get(url, headers=accept)
        assert f'<html lang="{language}">' in page.text
        assert "Accept-Language" in page.headers["vary"]


def test_a_shared_page_of_nothing(site: Site) -> None:
    """A group without videos, and one whose video is not ready, are pages that say so."""
    accept = {"Accept": "text/html"}
    empty = httpx.get(share(site, group_of(site))["url"], headers=accept)
    assert "There are no videos in this group." in empty.text
    waiting = site.submit("https://example.com/w.mp4")["id"]
    page = httpx.get(share(site, group_of(site, waiting))["url"], headers=accept).text
    assert "still being processed" in page
    assert "no transcript" not in page
