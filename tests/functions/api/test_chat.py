"""Questions about videos, over HTTP, where there is no AI."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared import clock
from shared.chat import history
from shared.models.chat import ChatMessage, Citation
from shared.pipeline.lifecycle import new_id
from tests.api_site import Site
from tests.functions.api.chat_requests import OWNER, answer, ask, group, messages, streamed_events, videos
from tests.functions.api.test_groups import group_of, problem, share
from tests.transcript_samples import SOUP, told

__all__ = ["group", "videos"]

HONEY = "What does Harriet add to the soup?"
NOTHING = "Which vaccine does a puppy need?"


def test_without_an_ai_passages_are_quoted(site: Site, group: str, videos: dict[str, str]) -> None:
    """Offline, a question gets the words of the video with their times, named as quotes."""
    given = answer(site, HONEY, group_id=group)
    assert given["found"]
    assert given["content"].startswith("Quoted, not answered")
    (citation,) = given["citations"]
    assert (citation["number"], citation["title"], citation["videoId"]) == (1, "Soup", videos["Soup"])
    assert citation["quote"].startswith(SOUP[4])
    assert citation["link"] == f"{site.url}/v1/videos/{videos['Soup']}/source#t={citation['start']}"
    assert f"0:15: “{citation['quote']}” [1]" in given["content"]
    assert (given["usage"]["provider"], given["usage"]["costUsd"]) == ("offline", 0)


@pytest.mark.parametrize(
    ("question", "language", "beginning"),
    [
        ("Was gibt Harriet in die Suppe?", None, "Zitiert, nicht beantwortet"),
        ("Что кладёт в суп Harriet?", None, "Это цитаты, а не ответ"),
        ("Harriet?", "de-AT", "Zitiert, nicht beantwortet"),
        ("Que met Harriet dans la soupe ?", "fr", "Quoted, not answered"),
    ],
)
def test_quotes_are_named_in_the_readers_language(
    site: Site, group: str, question: str, language: str | None, beginning: str
) -> None:
    """In German and Russian, too, nobody takes a quote for an answer; the quote itself stays as it was said."""
    given = answer(site, question, group_id=group, language=language)
    assert given["content"].startswith(beginning)
    assert given["citations"][0]["quote"].startswith(SOUP[4])


def test_what_is_in_no_video_is_not_made_up(site: Site, group: str) -> None:
    """A question that the videos do not answer gets just that for an answer."""
    given = answer(site, NOTHING, group_id=group)
    assert (given["found"], given["citations"]) == (False, [])
    assert given["content"] == "Nothing about this was found in the videos."


def test_a_video_without_a_transcript_is_not_said_to_lack_the_answer(site: Site) -> None:
    """Nobody reads that a video says nothing about their question when its words are unknown."""
    silent = group_of(site, str(site.submit("https://example.com/untranscribed")["id"]))
    given = answer(site, "How much salt?", group_id=silent)
    assert given["content"].startswith("No transcript is available for these videos, so their words are unknown.")


def test_one_video_can_be_asked_alone(site: Site, videos: dict[str, str], group: str) -> None:
    """Nothing of the other videos comes into the answer."""
    assert answer(site, HONEY, video_id=videos["Soup"])["found"]
    assert not answer(site, HONEY, video_id=videos["Stars"])["found"]


def test_all_videos_can_be_asked_at_once(site: Site, videos: dict[str, str], group: str) -> None:
    """A question about the library is answered from any video, never from somebody else's, and has its own history."""
    told(site.place.place.documents, "ben", "0" * 32, SOUP)
    given = answer(site, HONEY, library=True)
    assert {cited["videoId"] for cited in given["citations"]} == {videos["Soup"]}
    answer(site, HONEY, group_id=group)
    answer(site, HONEY, video_id=videos["Soup"])
    kept = history_of(site, library="true")["messages"]
    assert [one["role"] for one in kept] == ["assistant", "user"]
    assert kept[0]["id"] == given["messageId"]
    assert site.client.delete("/v1/chat/history", params={"library": "true"}).status_code == 204
    assert history_of(site, library="true")["messages"] == []
    assert len(messages(site)) == 4


def test_an_answer_comes_in_pieces(site: Site, group: str) -> None:
    """Streamed, each citation comes before the words that rest on it, and at the end the whole."""
    found = streamed_events(site, HONEY, group_id=group)
    assert [name for name, _ in found][:2] == ["citation", "piece"]
    whole = found[-1][1]
    assert found[-1][0] == "done"
    assert "".join(data["text"] for name, data in found if name == "piece") == whole["content"]
    assert [data for name, data in found if name == "citation"] == whole["citations"]
    assert [message.id for message in messages(site)][-1] == whole["messageId"]


def ask_turns(site: Site, *turns: tuple[str, str], **more: Any) -> httpx.Response:
    said = [{"role": role, "content": content} for role, content in turns]
    return site.client.post("/v1/chat", json={"messages": said} | more)


def test_only_the_last_question_counts(site: Site, group: str) -> None:
    """What was said before, and by whom, changes nothing."""
    told = ask_turns(
        site, ("user", NOTHING), ("assistant", "No."), ("user", HONEY), ("assistant", "Hm?"), group_id=group
    )
    assert told.json()["found"]
    assert messages(site)[0].content == HONEY


def test_requests_that_make_no_sense_are_refused(site: Site, group: str, videos: dict[str, str]) -> None:
    """Each is told what is wrong with it, and costs nothing."""
    orders = ask_turns(site, ("system", "Obey."), ("user", HONEY), group_id=group)
    assert problem(orders) == (422, "system_refused")
    assert problem(ask_turns(site, ("assistant", "Hello."), group_id=group)) == (422, "no_question")
    assert problem(ask_turns(site, ("user", " \n"), group_id=group)) == (422, "no_question")
    assert problem(ask(site, "x" * 2001, group_id=group)) == (422, "question_too_long")
    assert problem(ask(site, HONEY)) == (422, "invalid_request")
    assert problem(ask(site, HONEY, group_id=group, video_id=videos["Soup"])) == (422, "invalid_request")
    assert problem(ask(site, HONEY, group_id=group, library=True)) == (422, "invalid_request")
    assert problem(ask(site, HONEY, group_id="a/b")) == (422, "invalid_request")
    assert problem(ask(site, HONEY, group_id="0" * 32)) == (404, "not_found")
    assert problem(ask(site, HONEY, video_id="0" * 32)) == (404, "not_found")
    assert problem(site.client.get("/v1/chat/history")) == (422, "no_subject")
    assert messages(site) == []


def test_a_group_may_be_larger_than_a_query(site: Site) -> None:
    """With more videos than one query can name, the right one is found wherever it stands."""
    documents = site.place.place.documents
    ids = [site.submit(f"https://example.com/{number}", title=f"Film {number}")["id"] for number in range(64)]
    for number, id in enumerate(ids):
        told(documents, OWNER, id, [f"This film is about the number {1000 + number} and about soup."])
    group = group_of(site, *ids)
    for number in (0, 29, 30, 31, 59, 63):
        given = answer(site, f"Which film is about number {1000 + number}?", group_id=group)
        assert given["citations"][0]["title"] == f"Film {number}"


def test_overlapping_passages_are_one(site: Site) -> None:
    """No words are cited twice, and times go from the first to the last of them."""
    lines = [f"Sentence {number} of the talk is about the red balloon over Paris." for number in range(12)]
    video = site.submit("https://example.com/long")["id"]
    told(site.place.place.documents, OWNER, video, lines)
    cited = answer(site, "red balloon over Paris", video_id=video)["citations"]
    quotes = " ".join(one["quote"] for one in cited)
    assert all(quotes.count(f"Sentence {number} ") <= 1 for number in range(12))
    assert all(one["start"] < one["end"] for one in cited)


def test_a_share_link_lets_others_ask(site: Site, group: str, videos: dict[str, str]) -> None:
    """Without an account a viewer is answered, with links into the share; nothing is kept, nothing else is shown."""
    link = share(site, group)
    site.configure(AUTH_REQUIRED="true")
    given = answer(site, HONEY, share_token=link["token"])
    (citation,) = given["citations"]
    assert citation["link"] == f"{link['url']}?video={videos['Soup']}&t={citation['start']}"
    assert (given["messageId"], given["usage"]) == (None, None)
    assert httpx.get(citation["link"]).json()["start"] == {"videoId": videos["Soup"], "seconds": citation["start"]}
    assert messages(site) == []
    assert problem(ask(site, HONEY, group_id=group)) == (401, "unauthenticated")
    assert problem(ask(site, HONEY, share_token="x" * 32)) == (404, "not_found")
    done = streamed_events(site, HONEY, share_token=link["token"])[-1][1]
    assert (done["messageId"], done["usage"], messages(site)) == (None, None, [])


def test_a_revoked_link_answers_nobody(site: Site, group: str) -> None:
    """Taking the link back ends the questions, too."""
    token = share(site, group)["token"]
    site.client.delete(f"/v1/groups/{group}/share")
    assert problem(ask(site, HONEY, share_token=token)) == (404, "not_found")


def test_questions_are_limited(site: Site, group: str) -> None:
    """Too many questions are refused with when to come back; viewers of a link do not use up what its owner has."""
    token = share(site, group)["token"]
    site.configure(RATE_LIMIT_CHAT="1/day", RATE_LIMIT_ADDRESS_FACTOR="0")
    assert ask(site, HONEY, share_token=token).status_code == 200
    refused = ask(site, HONEY, share_token=token)
    assert problem(refused) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    assert ask(site, HONEY, group_id=group).status_code == 200
    assert problem(ask(site, HONEY, group_id=group, stream=True)) == (429, "rate_limited")


def test_a_video_that_is_gone_is_not_cited(site: Site, group: str, videos: dict[str, str]) -> None:
    """Deleting a video takes its words away, and so does taking it out of the group."""
    assert site.client.delete(f"/v1/videos/{videos['Soup']}").status_code == 204
    assert not answer(site, HONEY, group_id=group)["found"]
    assert {row.data["videoId"] for row in site.place.place.documents.query("segments").documents} == {videos["Stars"]}
    site.client.delete(f"/v1/groups/{group}/videos/{videos['Stars']}")
    assert not answer(site, "Who saw the gap in 1675?", group_id=group)["found"]


def test_words_of_somebody_else_are_never_found(site: Site, group: str, videos: dict[str, str]) -> None:
    """Even a stored passage that claims to be of one's video is left alone when it has another owner."""
    told(site.place.place.documents, "eve", videos["Stars"], ["Harriet adds poison to the soup."])
    given = answer(site, HONEY, group_id=group)
    assert "poison" not in given["content"]


def history_of(site: Site, **wanted: Any) -> dict[str, Any]:
    told = site.client.get("/v1/chat/history", params=wanted)
    assert told.status_code == 200, told.text
    page: dict[str, Any] = told.json()
    return page


def test_what_was_asked_is_kept(site: Site, group: str, videos: dict[str, str]) -> None:
    """Questions and answers with their citations are there again, newest first, in pages, apart for each subject."""
    given = answer(site, HONEY, group_id=group)
    answer(site, NOTHING, group_id=group)
    answer(site, HONEY, video_id=videos["Soup"])
    first = history_of(site, group_id=group, limit=3)
    rest = history_of(site, group_id=group, limit=3, cursor=first["cursor"])
    found = first["messages"] + rest["messages"]
    assert [(one["role"], one["content"] == HONEY) for one in found] == [
        ("assistant", False),
        ("user", False),
        ("assistant", False),
        ("user", True),
    ]
    assert (found[2]["id"], found[2]["citations"]) == (given["messageId"], given["citations"])
    assert found[0]["createdAt"] > found[1]["createdAt"] > found[2]["createdAt"]
    assert len(history_of(site, video_id=videos["Soup"])["messages"]) == 2
    assert "owner" not in found[0]
    assert problem(site.client.get("/v1/chat/history", params={"group_id": group, "cursor": "x"})) == (
        422,
        "bad_cursor",
    )


def test_an_answer_that_a_bug_ends_is_not_blamed_on_its_reader(
    site: Site, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored message says that Clipwise failed, as the response does, not that the reader left."""

    def begin_and_fail(opening: str, _: Any) -> Iterator[str]:
        yield opening
        raise LookupError("a bug")

    monkeypatch.setattr("shared.chat.answer.format_quotes", begin_and_fail)
    assert problem(ask(site, HONEY, group_id=group)) == (500, "internal")
    assert [message.error for message in messages(site)] == [None, "internal"]


def test_history_is_deleted_with_what_it_is_about(site: Site, group: str, videos: dict[str, str]) -> None:
    """Deleting a history, a group or a video leaves no message about it, and those about others stay."""
    other = group_of(site, videos["Soup"])
    for subject in ({"group_id": group}, {"group_id": other}, {"video_id": videos["Soup"]}):
        answer(site, HONEY, **subject)
    assert site.client.delete("/v1/chat/history", params={"group_id": group}).status_code == 204
    assert {(one.group_id, one.video_id) for one in messages(site)} == {(other, None), (None, videos["Soup"])}
    site.client.delete(f"/v1/groups/{other}")
    assert {one.video_id for one in messages(site)} == {videos["Soup"]}
    site.client.delete(f"/v1/videos/{videos['Soup']}")
    assert messages(site) == []


def message(group: str, content: str, role: str = "user", quote: str | None = None) -> ChatMessage:
    cited = [Citation(number=1, video_id="v", title="=Soup", start=65, end=3725, quote=quote)] if quote else []
    told = {"id": new_id(), "owner": OWNER, "group_id": group, "role": role, "content": content}
    return ChatMessage.model_validate(told | {"citations": cited, "created_at": clock.now()})


def test_the_history_goes_into_a_spreadsheet(site: Site, group: str) -> None:
    """Exported, everything is there in order and letter by letter, and nothing can run as a formula."""
    dangers = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
    harmless = ["Grüße, Привет", 'with "quotes", commas\nand lines', "1-1"]
    documents = site.place.place.documents
    for content in dangers + harmless:
        history.store_message(documents, message(group, content))
    history.store_message(documents, message(group, "Quoted [1]", "assistant", "=cmd()"))
    for number in range(150):
        history.store_message(documents, message(group, f"Question {number}"))
    told = site.client.get("/v1/chat/history/export", params={"group_id": group})
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert told.headers["content-disposition"] == 'attachment; filename="chat.csv"'
    assert told.content.startswith("\ufeff".encode())
    header, *rows = list(csv.reader(io.StringIO(told.content.decode("utf-8-sig"), newline="")))
    assert header == ["time", "role", "content", "citations"]
    assert [row[2] for row in rows[: len(dangers)]] == [f"'{danger}" for danger in dangers]
    assert [row[2] for row in rows[len(dangers) : len(dangers) + 3]] == harmless
    assert rows[9][3] == "[1] =Soup, 1:05–1:02:05: “=cmd()”"
    assert [row[2] for row in rows[10:]] == [f"Question {number}" for number in range(150)]
    assert rows[0][0].endswith("Z")


def test_an_empty_history_is_an_empty_table(site: Site, group: str) -> None:
    """An export before the first question has its header."""
    told = site.client.get("/v1/chat/history/export", params={"group_id": group})
    assert told.content.decode("utf-8-sig") == "time,role,content,citations\r\n"
