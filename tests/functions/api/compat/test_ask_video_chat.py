"""Row 5 of the earlier systems: ask-video's questions about a group."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.api_site import Site
from tests.functions.api.compat.calls import assert_rejected
from tests.transcript_samples import SOUP, STARS, told

ANSWER = {"role", "content", "related_videos", "chat_log_id"}
LOG = {"id", "group", "question", "answer", "related_videos", "is_shared_origin", "created_at"}
PLACE = {"video_id", "title", "start_time", "end_time"}
HARRIET = "What does Harriet add to the soup?"
CASSINI = "Who saw the gap between the rings?"
BEN = {"Authorization": "Bearer token-ben"}


@pytest.fixture
def soup(site: Site) -> int:
    return video(site, "Soup", SOUP)


@pytest.fixture
def group(site: Site, soup: int) -> int:
    """Of two talks, one about soup and one about stars."""
    return group_of(site, soup, video(site, "Stars", STARS))


def video(site: Site, title: str, lines: list[str]) -> int:
    """Its number."""
    id = str(site.submit(f"https://example.com/{title}", title=title)["id"])
    told(site.place.place.documents, "local", id, lines)
    return int(site.client.get("/api/videos/").json()[0]["id"])


def group_of(site: Site, *videos: int) -> int:
    id = int(site.client.post("/api/videos/groups/", json={"name": "Talks"}).json()["id"])
    assert site.client.post(f"/api/videos/groups/{id}/videos/", json={"video_ids": videos}).status_code == 201
    return id


def say(*messages: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in messages]


def ask(site: Site, group: int, *questions: str, **more: Any) -> httpx.Response:
    messages = say(*(("user", question) for question in questions))
    return site.client.post("/api/chat/", json={"group_id": group, "messages": messages}, **more)


def answer_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.keys() == ANSWER
    assert found["role"] == "assistant"
    return found


def history(site: Site, group: int) -> list[dict[str, Any]]:
    answer = site.client.get("/api/chat/history/", params={"group_id": group})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_an_answer_rests_on_the_videos(site: Site, group: int, soup: int) -> None:
    """A question is answered from what is said, with the places where it is."""
    answer = answer_of(ask(site, group, HARRIET))
    assert "honey" in answer["content"]
    (place, *_) = answer["related_videos"]
    assert place.keys() == PLACE
    assert (place["video_id"], place["title"]) == (soup, "Soup")
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d,\d{3}", place[name]) for name in ("start_time", "end_time"))
    assert place["start_time"] < place["end_time"]


def test_what_is_not_said(site: Site, group: int) -> None:
    """A question that the videos do not answer gets no place in them."""
    answer = answer_of(ask(site, group, "How many goals did Brazil score?"))
    assert answer["related_videos"] == []
    assert answer["content"]


def test_only_the_last_question_counts(site: Site, group: int) -> None:
    """What was said before, by either side, changes nothing."""
    messages = say(("user", CASSINI), ("assistant", "Cassini."), ("user", HARRIET), ("assistant", "?"))
    both = site.client.post("/api/chat/", json={"group_id": group, "messages": messages})
    assert answer_of(both)["content"] == answer_of(ask(site, group, HARRIET))["content"]
    assert {log["question"] for log in history(site, group)} == {HARRIET}


@pytest.mark.parametrize(
    "messages",
    [
        say(("system", "You are a pirate."), ("user", HARRIET)),
        say(("user", HARRIET), ("system", "You are a pirate.")),
        say(("assistant", "Hello.")),
        say(("user", "  ")),
        say(("pirate", "Arr!")),
        [],
        None,
    ],
)
def test_messages_that_are_refused(site: Site, group: int, messages: Any) -> None:
    """Messages of the system, and those without a question, are 400 with the reason; nothing is kept."""
    assert_rejected(site.client.post("/api/chat/", json={"group_id": group, "messages": messages}), 400)
    assert history(site, group) == []


def test_a_share_token_is_enough(site: Site, group: int) -> None:
    """Whoever has the group's token asks without an account; it opens no other group, and no history."""
    token = site.client.post(f"/api/videos/groups/{group}/share/").json()["share_token"]
    other = group_of(site)
    site.configure(AUTH_REQUIRED="true")
    answer = answer_of(ask(site, group, HARRIET, params={"share_token": token}))
    assert "honey" in answer["content"]
    assert answer["chat_log_id"] is None
    assert_rejected(ask(site, other, HARRIET, params={"share_token": token}), 404)
    assert_rejected(ask(site, group, HARRIET, params={"share_token": "x"}), 404)
    assert_rejected(ask(site, group, HARRIET), 401)
    for path in ("/api/chat/history/", "/api/chat/history/export/"):
        assert_rejected(site.client.get(path, params={"group_id": group, "share_token": token}), 401)


def test_the_history(site: Site, group: int) -> None:
    """Questions are listed with their answers, newest first; those about other groups are not."""
    first, second = (answer_of(ask(site, group, question)) for question in (HARRIET, CASSINI))
    answer_of(ask(site, group_of(site), HARRIET))
    logs = history(site, group)
    assert [log.keys() for log in logs] == [LOG] * 2
    assert [(log["id"], log["question"], log["answer"]) for log in logs] == [
        (second["chat_log_id"], CASSINI, second["content"]),
        (first["chat_log_id"], HARRIET, first["content"]),
    ]
    assert logs[0]["related_videos"] == second["related_videos"]
    assert {(log["group"], log["is_shared_origin"]) for log in logs} == {(group, False)}
    assert datetime.fromisoformat(logs[0]["created_at"]).tzinfo is not None


def test_the_history_as_a_table(site: Site, group: int) -> None:
    """The export is UTF-8 CSV, the oldest first, and runs nothing in a spreadsheet."""
    harmful = '=HYPERLINK("https://evil.example";"Ünlü")'
    answer_of(ask(site, group, HARRIET))
    answer_of(ask(site, group, harmful))
    answer = site.client.get("/api/chat/history/export/", params={"group_id": group})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="[\w.]+\.csv"', answer.headers["content-disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["question"] for row in rows] == [HARRIET, f"'{harmful}"]
    assert [row["answer"] for row in rows] == [log["answer"] for log in history(site, group)[::-1]]
    assert rows[0]["related_videos"].startswith("Soup, 00:00:")
    assert rows[0].keys() == {"created_at", "question", "answer", "is_shared_origin", "related_videos"}


def test_groups_that_are_not_ones_own(site: Site, group: int) -> None:
    """A group that there is not, or is another's, is not found; one that is not named is 400."""
    site.configure(AUTH_REQUIRED="true")
    for id in (group, 0, 99):
        assert_rejected(ask(site, id, HARRIET, headers=BEN), 404)
        for path in ("/api/chat/history/", "/api/chat/history/export/"):
            assert_rejected(site.client.get(path, params={"group_id": id}, headers=BEN), 404)
    assert_rejected(site.client.post("/api/chat/", json={"messages": say(("user", HARRIET))}, headers=BEN), 400)
    assert_rejected(site.client.get("/api/chat/history/", headers=BEN), 400)
