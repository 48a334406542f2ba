"""Row 5 of the earlier systems: ask-video's accounts, videos and groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.models.job import JobError, JobStatus
from shared.settings import settings
from tests.accounts import PASSWORD, Mailbox, cheap_passwords
from tests.api_site import MP4, Site
from tests.functions.api.compat.calls import assert_rejected, get, post
from tests.media_samples import ffmpeg, small_video, written

SAID = "Bring the water to a boil."
SCRIPT = f"1\n00:00:00,200 --> 00:00:01,500\n{SAID}\n".encode()
VIDEO = {"id", "file", "title", "description", "uploaded_at", "status", "transcript", "error_message"}
GROUP = {"id", "name", "description", "created_at", "updated_at", "video_count", "videos", "share_token"}
OTHER = "quite another one"
ANN, BEN = ({"Authorization": f"Bearer token-{name}"} for name in ("ann", "ben"))


def upload(site: Site, content: bytes = MP4, name: str = "talk.mp4", **fields: str) -> dict[str, Any]:
    answer = site.client.post("/api/videos/", files={"file": (name, content)}, data=fields)
    assert answer.status_code == 201, answer.text
    video: dict[str, Any] = answer.json()
    return video


@pytest.fixture(scope="module")
def subtitled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video that brings its words."""
    folder = tmp_path_factory.mktemp("videos")
    silent, words = small_video(folder / "silent.mp4"), written(folder / "words.srt", SCRIPT)
    both = ("-i", silent, "-i", words, "-c:v", "copy", "-c:s", "mov_text")
    return ffmpeg(folder / "talk.mp4", *both).read_bytes()


# Accounts


@pytest.fixture
def people(site: Site) -> Iterator[Site]:
    """A site where one has to sign in, and whose mails have links to its frontend's page."""
    site.configure(AUTH_REQUIRED="true", ACCOUNT_PAGE_URL="https://app.example/account")
    with cheap_passwords():
        yield site


def token_from_mail(purpose: str, address: str = "ann@example.com") -> dict[str, str]:
    """`uid` and `token` of the link in the last mail."""
    text = Mailbox(settings().clipwise_data).of(purpose, address)[-1]
    link = next(line for line in text.splitlines() if line.startswith("https://app.example/account?"))
    fields = parse_qs(urlsplit(link).query)
    return {name: fields[name][0] for name in ("uid", "token")}


def sign_up(site: Site) -> None:
    post(site, "/api/auth/signup/", 201, username="ann", email="ann@example.com", password=PASSWORD)
    post(site, "/api/auth/verify-email/", **token_from_mail("verify"))


def log_in(site: Site, password: str = PASSWORD) -> dict[str, str]:
    tokens: dict[str, str] = post(site, "/api/auth/login/", username="ann", password=password)
    return tokens


def me(site: Site, token: str) -> httpx.Response:
    return site.client.get("/api/auth/me/", headers={"Authorization": f"Bearer {token}"})


def test_signing_up(people: Site) -> None:
    """A user signs up, answers the mail, signs in, and is known by the token."""
    post(people, "/api/auth/signup/", 201, username="ann", email="ann@example.com", password=PASSWORD)
    assert_rejected(people.client.post("/api/auth/login/", json={"username": "ann", "password": PASSWORD}), 403)
    post(people, "/api/auth/verify-email/", **token_from_mail("verify"))
    tokens = log_in(people)
    assert tokens.keys() == {"access", "refresh"}
    known = me(people, tokens["access"]).json()
    assert (known["username"], known["email"]) == ("ann", "ann@example.com")
    assert isinstance(known["id"], int)
    assert get(people, "/api/videos/", headers={"Authorization": f"Bearer {tokens['access']}"}) == []


def test_a_session_goes_on(people: Site) -> None:
    """The refresh token gives new tokens."""
    sign_up(people)
    fresh = post(people, "/api/auth/refresh/", refresh=log_in(people)["refresh"])
    assert me(people, fresh["access"]).status_code == 200
    assert_rejected(people.client.post("/api/auth/refresh/", json={"refresh": "x"}), 401)


def test_a_forgotten_password(people: Site) -> None:
    """Who forgot the password sets another one by the mail; the old one works no more."""
    sign_up(people)
    post(people, "/api/auth/password-reset/", email="ann@example.com")
    sent = token_from_mail("reset")
    post(people, "/api/auth/password-reset/confirm/", new_password=OTHER, **sent)
    assert_rejected(people.client.post("/api/auth/login/", json={"username": "ann", "password": PASSWORD}), 401)
    assert me(people, log_in(people, OTHER)["access"]).status_code == 200
    assert_rejected(
        people.client.post("/api/auth/password-reset/confirm/", json=sent | {"new_password": PASSWORD}), 400
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("signup", {"username": "ann", "email": "other@example.com", "password": PASSWORD}),
        ("signup", {"username": "ben", "email": "nowhere", "password": PASSWORD}),
        ("signup", {"username": "ben", "email": "ben@example.com", "password": "short"}),
        ("signup", {"username": "ben"}),
        ("verify-email", {"uid": "1", "token": "x"}),
        ("password-reset", {}),
        ("password-reset/confirm", {"uid": "1", "token": "x", "new_password": OTHER}),
    ],
)
def test_wrong_forms(people: Site, path: str, body: dict[str, str]) -> None:
    """What is missing, wrong or taken is 400 with the reason."""
    sign_up(people)
    assert_rejected(people.client.post(f"/api/auth/{path}/", json=body), 400)


def test_who_is_not_signed_in(people: Site) -> None:
    """Without a token, or with one that is none, nobody gets anything."""
    for path in ("/api/auth/me/", "/api/videos/", "/api/videos/groups/"):
        assert_rejected(people.client.get(path), 401)
    assert_rejected(me(people, "x"), 401)


# Videos


def test_the_documented_flow(site: Site, subtitled: bytes) -> None:
    """A user sends a video, asks until it is completed, reads its words, and plays it."""
    sent = upload(site, subtitled, title="Soup", description="From grandma")
    assert sent.keys() == VIDEO
    assert (sent["title"], sent["description"], sent["status"]) == ("Soup", "From grandma", "pending")
    assert (sent["transcript"], sent["error_message"], sent["file"]) == ("", "", None)
    assert datetime.fromisoformat(sent["uploaded_at"]).tzinfo is not None
    site.work()
    video = get(site, f"/api/videos/{sent['id']}/")
    assert video.keys() == VIDEO
    assert (video["status"], video["transcript"], video["error_message"]) == ("completed", SAID, "")
    assert httpx.get(video["file"]).content == subtitled
    assert httpx.get(video["file"], headers={"Range": "bytes=0-9"}).content == subtitled[:10]


def test_the_list_has_all(site: Site, subtitled: bytes) -> None:
    """All videos are listed, newest first, with the same fields."""
    first, second = upload(site, subtitled, "a.mp4"), upload(site, name="b.mp4")
    listed = get(site, "/api/videos/")
    assert [video["id"] for video in listed] == [second["id"], first["id"]]
    site.work()
    assert get(site, "/api/videos/")[1]["transcript"] == SAID
    assert all(video.keys() == VIDEO for video in listed)


def test_a_video_is_kept_until_it_is_deleted(site: Site, subtitled: bytes) -> None:
    """The media stays, whatever time others have; deleting a video removes it with everything."""
    site.configure(SOURCE_RETENTION_HOURS="0")
    id = upload(site, subtitled)["id"]
    site.work()
    site.place.place.bus.publish("sweep-tick", {})
    site.work()
    link = get(site, f"/api/videos/{id}/")["file"]
    assert httpx.get(link).status_code == 200
    assert site.client.delete(f"/api/videos/{id}/").status_code == 204
    assert site.client.get(f"/api/videos/{id}/").status_code == 404
    assert httpx.get(link).status_code == 404


def test_a_video_is_renamed(site: Site) -> None:
    """Title and description change, alone or together; without a title a video is called as its file."""
    id = upload(site)["id"]
    assert get(site, f"/api/videos/{id}/")["title"] == "talk.mp4"
    changed = site.client.patch(f"/api/videos/{id}/", json={"title": "Talk"}).json()
    assert (changed["title"], changed["description"]) == ("Talk", "")
    assert site.client.patch(f"/api/videos/{id}/", json={"description": "Long"}).json()["title"] == "Talk"
    assert get(site, f"/api/videos/{id}/")["description"] == "Long"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (JobStatus.QUEUED, "pending"),
        (JobStatus.RUNNING, "processing"),
        (JobStatus.DONE, "completed"),
        (JobStatus.FAILED, "error"),
        (JobStatus.CANCELLED, "error"),
    ],
)
def test_each_state_has_its_word(site: Site, status: JobStatus, word: str) -> None:
    """A client meets no status word but the four that it knows, and with `error` always a sentence."""
    id = upload(site)["id"]
    error = JobError(code="no_sound", message="It is broken.", stage="extract", retryable=False)
    site.change(site.jobs()[0]["id"], status=status, error=error if status is JobStatus.FAILED else None)
    video = get(site, f"/api/videos/{id}/")
    assert video["status"] == word
    assert bool(video["error_message"]) == (word == "error")


SECOND = ("-f", "lavfi", "-i", "sine=duration=1")
PICTURE = ("-f", "lavfi", "-i", "color=red:size=64x64:duration=1")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, SECOND) for name in ("a.flac", "a.m4a", "a.mp3", "a.ogg", "a.wav", "a.webm")),
        ("a.mpga", (*SECOND, "-f", "mp3")),
        ("a.oga", (*SECOND, "-f", "ogg")),
        *((name, (*SECOND, *PICTURE)) for name in ("a.mp4", "a.mpeg", "b.webm", "a.mov")),
    ],
)
def test_the_formats_that_are_taken(site: Site, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """Each format of the description is taken and its words are looked for."""
    made = ffmpeg(tmp_path / name, *options)
    id = upload(site, made.read_bytes(), name)["id"]
    site.work()
    video = get(site, f"/api/videos/{id}/")
    assert (video["status"], video["error_message"]) == ("completed", "")


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mkv", PICTURE), ("a.avi", PICTURE), ("a.ts", PICTURE), ("a.png", (*PICTURE, "-frames:v", "1"))],
)
def test_other_formats_are_refused(site: Site, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """Whatever else is sent is 400 with the reason, and nothing is made of it, whatever it calls itself."""
    content = ffmpeg(tmp_path / name, *options).read_bytes()
    for called in (name, "a.mp4"):
        assert_rejected(site.client.post("/api/videos/", files={"file": (called, content, "video/mp4")}), 400)
    assert site.jobs() == []


def test_a_form_without_a_video(site: Site) -> None:
    """A form without a file, or with an empty or a written one, is 400."""
    for files in ({"other": ("a.mp4", MP4)}, {"file": ("a.mp4", b"")}, {"file": ("a.txt", b"hello")}):
        assert_rejected(site.client.post("/api/videos/", files=files), 400)
    assert site.client.post("/api/videos/", files={"file": ("a.mp4", bytes(2_000_000))}).status_code == 413


def test_unknown_videos(site: Site) -> None:
    """What there is not, or is another's, is not found."""
    mine = upload(site)["id"]
    site.configure(AUTH_REQUIRED="true")
    for id in (mine, 0, 2**70, "0" * 32, "x", "%2E%2E"):
        for method in ("GET", "PATCH", "DELETE"):
            body = {"title": "Mine"} if method == "PATCH" else None
            assert_rejected(site.client.request(method, f"/api/videos/{id}/", json=body, headers=BEN), 404)


# Groups


@pytest.fixture
def videos(site: Site) -> list[int]:
    return [upload(site, title=f"Film {number}")["id"] for number in range(3)]


def group_of(site: Site, *videos: int) -> int:
    group = post(site, "/api/videos/groups/", 201, name="Soups", description="Hot")
    assert group.keys() == GROUP
    if videos:
        post(site, f"/api/videos/groups/{group['id']}/videos/", 201, video_ids=list(videos))
    assert isinstance(group["id"], int)
    return int(group["id"])


def order(site: Site, group: int) -> list[int]:
    found = get(site, f"/api/videos/groups/{group}/")["videos"]
    assert [video["order"] for video in found] == list(range(len(found)))
    return [video["id"] for video in found]


def test_a_group_is_made_renamed_and_deleted(site: Site, videos: list[int]) -> None:
    """Deleting a group leaves its videos."""
    group = group_of(site, *videos)
    changed = site.client.patch(f"/api/videos/groups/{group}/", json={"name": "Stews"}).json()
    assert (changed["name"], changed["description"], changed["video_count"]) == ("Stews", "Hot", 3)
    (listed,) = get(site, "/api/videos/groups/")
    assert listed.keys() == {"id", "name", "description", "created_at", "video_count"}
    assert (listed["id"], listed["name"], listed["video_count"]) == (group, "Stews", 3)
    assert site.client.delete(f"/api/videos/groups/{group}/").status_code == 204
    assert site.client.get(f"/api/videos/groups/{group}/").status_code == 404
    assert len(get(site, "/api/videos/")) == 3


def test_videos_are_added_ordered_and_removed(site: Site, videos: list[int]) -> None:
    """A group keeps the order it is given; a video that was in it already is not added twice."""
    group = group_of(site, *videos[:2])
    added = post(site, f"/api/videos/groups/{group}/videos/", 201, video_ids=videos)
    assert (added["added_count"], added["skipped_count"]) == (1, 2)
    assert order(site, group) == videos
    post(site, f"/api/videos/groups/{group}/reorder/", video_ids=videos[::-1])
    assert order(site, group) == videos[::-1]
    assert site.client.delete(f"/api/videos/groups/{group}/videos/{videos[1]}/").status_code == 200
    assert order(site, group) == [videos[2], videos[0]]
    assert site.client.delete(f"/api/videos/groups/{group}/videos/{videos[0]}/remove/").status_code == 200
    assert order(site, group) == [videos[2]]
    assert len(get(site, "/api/videos/")) == 3


@pytest.mark.parametrize("wanted", [[0, 1], [0, 1, 1], [0, 1, 2, 3], [0, 1, 3]])
def test_an_order_that_is_not_whole(site: Site, videos: list[int], wanted: list[int]) -> None:
    """An order that misses, doubles or invents a video is 400, and changes nothing."""
    group, ids = group_of(site, *videos), [*videos, 99]
    sent = {"video_ids": [ids[number] for number in wanted]}
    assert_rejected(site.client.post(f"/api/videos/groups/{group}/reorder/", json=sent), 400)
    assert order(site, group) == videos


def test_videos_of_others_cannot_be_added(site: Site, videos: list[int]) -> None:
    """Neither can those that do not exist."""
    site.configure(AUTH_REQUIRED="true")
    made = site.client.post("/api/videos/groups/", json={"name": "Mine"}, headers=BEN).json()
    for ids in ([videos[0]], [99], ["x"]):
        answer = site.client.post(f"/api/videos/groups/{made['id']}/videos/", json={"video_ids": ids}, headers=BEN)
        assert_rejected(answer, 400)


def test_a_share_token_shows_the_group(site: Site, subtitled: bytes) -> None:
    """Whoever has the token sees the group and plays its videos without an account, and can change nothing."""
    video = upload(site, subtitled)["id"]
    site.work()
    group = group_of(site, video)
    shared = post(site, f"/api/videos/groups/{group}/share/", 201)
    site.configure(AUTH_REQUIRED="true")
    path = f"/api/videos/groups/shared/{shared['share_token']}/"
    seen = get(site, path)
    assert seen.keys() == GROUP
    assert (seen["name"], seen["share_token"]) == ("Soups", None)
    assert [one["id"] for one in seen["videos"]] == [video]
    assert httpx.get(seen["videos"][0]["file"]).content == subtitled
    for method in ("POST", "PATCH", "DELETE"):
        assert site.client.request(method, path, json={}).status_code == 405
    assert_rejected(site.client.get(f"/api/videos/groups/{group}/"), 401)


def test_a_share_token_is_taken_back(site: Site, videos: list[int]) -> None:
    """A new token replaces the old one, and none works once sharing has ended."""
    group = group_of(site, *videos)
    old, new = (post(site, f"/api/videos/groups/{group}/share/", 201)["share_token"] for _ in range(2))
    assert_rejected(site.client.get(f"/api/videos/groups/shared/{old}/"), 404)
    get(site, f"/api/videos/groups/shared/{new}/")
    assert site.client.delete(f"/api/videos/groups/{group}/share/").status_code == 200
    assert_rejected(site.client.get(f"/api/videos/groups/shared/{new}/"), 404)


def test_unknown_groups(site: Site, videos: list[int]) -> None:
    """What there is not, or is another's, is not found, whatever is asked of it."""
    mine = group_of(site, *videos)
    site.configure(AUTH_REQUIRED="true")
    for id in (mine, 0, 99, "x"):
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "videos/", {"video_ids": videos}),
            ("DELETE", f"videos/{videos[0]}/", None),
            ("POST", "reorder/", {"video_ids": videos}),
            ("POST", "share/", None),
            ("DELETE", "share/", None),
        ):
            assert_rejected(site.client.request(method, f"/api/videos/groups/{id}/{rest}", json=body, headers=BEN), 404)


def test_a_group_without_a_name(site: Site) -> None:
    """A group that is called nothing is 400."""
    for body in ({}, {"name": None}, {"name": " "}, {"name": "x" * 1000}):
        assert_rejected(site.client.post("/api/videos/groups/", json=body), 400)
