"""Ask-video's ids are integers: numbers of each owner's own, which stay the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import NotFound
from shared.library import numbers
from shared.library.deletion import erase_user
from shared.library.numbers import NUMBERS, find_id, find_ids, number_ids
from tests.api_site import MP4, Site
from tests.functions.api.compat.calls import get, post

ANN, BEN = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "ben"))


def test_many_at_once_agree_on_the_numbers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that meet new videos at the same time give each one number, also beyond what a document holds."""
    monkeypatch.setattr(numbers, "BLOCK", 5)
    documents, ids = site.place.place.documents, [f"{number:032x}" for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda shift: number_ids(documents, "ann", "video", ids[shift:]), range(8)))
    everything = number_ids(documents, "ann", "video", ids)
    assert sorted(everything.values()) == list(range(1, 13))
    assert all(part.items() <= everything.items() for part in found)
    assert find_ids(documents, "ann", "video", [0, -1, *range(1, 14)]) == {
        number: id for id, number in everything.items()
    }
    assert number_ids(documents, "ben", "video", ids[5:6]) == {ids[5]: 1}
    with pytest.raises(NotFound):
        find_id(documents, "ann", "group", 1)


def test_numbers_count_from_the_oldest(site: Site) -> None:
    """Videos that came through other paths get numbers too, the oldest the smallest, and keep them."""
    native = [site.submit(f"https://example.com/{name}.mp4", kind="transcript")["id"] for name in "abc"]
    listed = get(site, "/api/videos/")
    assert [video["id"] for video in listed] == [3, 2, 1]
    assert site.client.delete("/api/videos/2/").status_code == 204
    answer = site.client.post("/api/videos/", files={"file": ("d.mp4", MP4)})
    assert answer.json()["id"] == 4
    assert [video["id"] for video in get(site, "/api/videos/")] == [4, 3, 1]
    assert site.client.get("/api/videos/2/").status_code == 404
    assert site.client.get(f"/api/videos/{native[0]}/").status_code == 404


def test_a_shared_group_has_the_numbers_of_its_owner(site: Site) -> None:
    """A visitor sees the owner's numbers and asks with them; another user's numbers are their own."""
    site.configure(AUTH_REQUIRED="true")
    site.client.headers.update(ANN)
    videos = [site.submit(f"https://example.com/{name}.mp4", kind="transcript")["id"] for name in "ab"]
    second = get(site, "/api/videos/")[0]["id"]
    post(site, "/api/videos/groups/", 201, name="First")
    group = post(site, "/api/videos/groups/", 201, name="Second")["id"]
    assert (second, group) == (2, 2)
    post(site, f"/api/videos/groups/{group}/videos/", 201, video_ids=[second])
    token = post(site, f"/api/videos/groups/{group}/share/", 201)["share_token"]
    site.client.headers.update(BEN)
    shared = get(site, f"/api/videos/groups/shared/{token}/")
    assert (shared["id"], [video["id"] for video in shared["videos"]]) == (2, [2])
    assert site.client.get("/api/videos/2/").status_code == 404
    assert post(site, "/api/videos/groups/", 201, name="Mine")["id"] == 1
    question = {"group_id": group, "messages": [{"role": "user", "content": "What is said?"}]}
    assert site.client.post("/api/chat/", json=question, params={"share_token": token}).status_code == 200
    other = question | {"group_id": 1}
    assert site.client.post("/api/chat/", json=other, params={"share_token": token}).status_code == 404
    assert videos


def test_numbers_go_with_the_account(site: Site) -> None:
    """Nothing is left of the numbers of a user who has left."""
    place = site.place.place
    number_ids(place.documents, "ann", "video", ["a" * 32])
    assert not erase_user(place, "ann", 1)
    assert erase_user(place, "ann")
    assert not place.documents.query(NUMBERS, [("owner", "==", "ann")]).documents


@pytest.mark.parametrize("path", ["/api/videos", "/api/videos/groups", "/api/chat/history?group_id=1", "/videos"])
def test_paths_are_served_with_and_without_a_slash(site: Site, path: str) -> None:
    """Clients of the earlier systems send the slash; those made from the OpenAPI document do not."""
    post(site, "/api/videos/groups/", 201, name="Soups")
    name, _, query = path.partition("?")
    assert get(site, path) == get(site, f"{name}/?{query}")
    assert site.client.get("/v1/jobs/").status_code == 404
