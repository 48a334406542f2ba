"""Questions about videos, over HTTP, where a model answers: the services' own SDKs against stand-ins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.stand_ins.server import Reply
from shared.ai.gemini import client as gemini_calls
from shared.ai.provider import ESTIMATE_NOTE
from shared.ai.usage import book_cost
from shared.chat.prompt import rules
from shared.models.chat import ChatMessage
from tests.api_site import Site
from tests.functions.api.chat_requests import (
    FAKES,
    OWNER,
    EmbedsAnyway,
    answer,
    ask,
    data_in,
    group,
    instructions,
    messages,
    service,
    spent_usd,
    stream_reply,
    streamed_events,
    turns,
    videos,
)
from tests.functions.api.test_groups import problem, share
from tests.server import eventually
from tests.transcript_samples import SOUP, told
from tests.unit.ai.attacks import ATTACKS

__all__ = ["group", "videos"]

ROAST = "How long do I roast the tomatoes, and who is Harriet?"
NOTHING = "Which vaccine does a puppy need?"


@pytest.fixture(params=["openai", "gemini"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ai(site: Site, group: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbedsAnyway]:
    """The service, to which the site's own models have been added."""
    monkeypatch.setattr(gemini_calls, "FIRST_PAUSE_SEC", 0.01)
    with service(site, name) as running:
        yield running


def test_an_answer_cites_what_is_stored(
    site: Site, ai: EmbedsAnyway, name: str, group: str, videos: dict[str, str]
) -> None:
    """The model's markers become citations with words and times of the transcript; what it invents is dropped."""
    ai.queue_replies(stream_reply(name, "Forty min", "utes [", "1", "], says nobody [7][0]", ". In 1675 [2024]", "."))
    given = answer(site, ROAST, group_id=group)
    assert given["content"] == "Forty minutes [1], says nobody. In 1675."
    (citation,) = given["citations"]
    assert (citation["number"], citation["title"], citation["videoId"]) == (1, "Soup", videos["Soup"])
    assert citation["quote"] == " ".join(SOUP)
    assert (citation["start"], round(citation["end"])) == (0, 24)
    assert given["found"]
    assert (given["usage"]["provider"], given["usage"]["tokensIn"] > 1000) == (name, True)
    assert given["usage"]["costUsd"] == pytest.approx(spent_usd(site))
    question, reply = messages(site)
    assert (question.content, reply.content, reply.id) == (ROAST, given["content"], given["messageId"])
    assert reply.error is None


def test_the_model_gets_rules_and_data(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """Nothing but our rules stands where instructions do; question and passages go in as data."""
    ai.queue_replies(stream_reply(name, "Well."))
    answer(site, ROAST, group_id=group, language="pt-BR")
    (body,) = ai.conversations
    assert instructions(body) == rules("pt-BR")
    assert "pt-BR" in rules("pt-BR")
    (turn,) = turns(body)
    data = data_in(turn)
    assert data["question"] == ROAST
    assert [passage["number"] for passage in data["passages"]] == list(range(1, len(data["passages"]) + 1))
    first = data["passages"][0]
    assert (first["video"], first["start"], first["text"]) == ("Soup", 0, " ".join(SOUP))


def test_citations_are_numbered_as_they_come(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """The first passage that is cited is [1], whatever number the model knows it by; each is told before its words."""
    ai.queue_replies(stream_reply(name, "Of stars [2]", " and soup [1, 2", "].", " Bye [1]"))
    found = streamed_events(site, "Harriet, Saturn and Cassini in 1675, soup", group_id=group)
    assert [(kind, data.get("text") or data.get("number")) for kind, data in found[:-1]] == [
        ("citation", 1),
        ("piece", "Of stars [1]"),
        # The last word waits: it may begin a link.
        ("piece", " and "),
        ("citation", 2),
        ("piece", "soup [2][1]"),
        ("piece", ". Bye [2]"),
    ]
    kind, whole = found[-1]
    assert (kind, whole["content"]) == ("done", "Of stars [1] and soup [2][1]. Bye [2]")
    assert [citation["number"] for citation in whole["citations"]] == [1, 2]


def test_nothing_found_asks_no_model(site: Site, ai: EmbedsAnyway, group: str) -> None:
    """A question about something else costs an embedding and no answer."""
    given = answer(site, NOTHING, group_id=group)
    assert (given["found"], given["content"]) == (False, "Nothing about this was found in the videos.")
    assert ai.conversations == []
    assert len(ai.requests) == 1


def test_a_model_may_say_that_it_is_not_there(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """An answer without citations is not passed off as found in the videos."""
    ai.queue_replies(stream_reply(name, "The videos do not say who invented soup."))
    given = answer(site, "Who invented soup?", group_id=group)
    assert (given["found"], given["citations"]) == (False, [])


def cut(reply: Reply) -> Reply:
    return Reply(reply.value, headers=reply.headers, cut=True)


def test_an_answer_that_breaks_off_says_so(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """What came before is shown, paid for and kept; the last event tells the error."""
    ai.queue_replies(stream_reply(name, "Forty minutes [1]. ", "And then ", finish_reason=None))
    found = streamed_events(site, ROAST, group_id=group)
    assert [kind for kind, _ in found] == ["citation", "piece", "piece", "piece", "error"]
    assert found[-1][1]["code"] == "provider_unavailable"
    assert found[-1][1]["detail"].endswith(".")
    reply = messages(site)[-1]
    assert (reply.content.strip(), reply.error) == ("Forty minutes [1]. And then", "provider_unavailable")
    assert reply.usage.cost_usd == pytest.approx(spent_usd(site))
    assert spent_usd(site) > 0


FAILURES: dict[str, tuple[dict[str, list[Any]], int, str]] = {
    "busy": ({"openai": [("rate_limit_reply",)] * 3, "gemini": [("rate_limit_reply",)] * 3}, 503, "provider_busy"),
    "down": ({"openai": [("error_reply", 500)] * 3, "gemini": [("error_reply", 500)] * 3}, 503, "provider_unavailable"),
    "wrong key": ({"openai": [("error_reply", 401)], "gemini": [("error_reply", 403)]}, 502, "provider_key_invalid"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_before_the_first_word_has_its_status(
    site: Site, ai: EmbedsAnyway, name: str, group: str, failure: str, stream: bool
) -> None:
    """Who asks learns at once whether to try again; nothing is kept of what was not answered."""
    replies, status, code = FAILURES[failure]
    ai.queue_replies(*(getattr(FAKES[name], reply[0])(*reply[1:]) for reply in replies[name]))
    refused = ask(site, ROAST, group_id=group, stream=stream)
    assert problem(refused) == (status, code)
    assert ("retry-after" in refused.headers) == (status == 503)
    assert messages(site) == []
    assert not ai.queue


def test_a_refusal_is_told(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """What the service declines to answer is told as that."""
    more = {"refusal": "I cannot."} if name == "openai" else {"finish_reason": "SAFETY"}
    ai.queue_replies(stream_reply(name, **more))
    assert problem(ask(site, ROAST, group_id=group)) == (422, "refused")


def test_the_budget_ends_questions(site: Site, ai: EmbedsAnyway, group: str) -> None:
    """With the month's budget used up, nothing is sent; viewers of a share use their owner's."""
    token = share(site, group)["token"]
    site.configure(MONTHLY_BUDGET_USD="0.01")
    book_cost(site.place.place.documents, OWNER, 0.02)
    assert problem(ask(site, ROAST, group_id=group)) == (402, "budget_exceeded")
    site.configure(AUTH_REQUIRED="true")
    assert problem(ask(site, ROAST, share_token=token, stream=True)) == (402, "budget_exceeded")
    assert ai.requests == []


def test_a_viewers_question_is_paid_by_the_owner(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """What a viewer asks counts in the owner's month, and is not told to the viewer."""
    token = share(site, group)["token"]
    site.configure(AUTH_REQUIRED="true")
    ai.queue_replies(stream_reply(name, "Forty minutes [1]."))
    assert answer(site, ROAST, share_token=token)["usage"] is None
    assert spent_usd(site) > 0
    (month,) = site.place.place.documents.query("spending").documents
    assert month.data["owner"] == OWNER


def test_a_reader_who_leaves_stops_the_model(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """Closing the page ends the service's stream long before its end; what had come is counted and kept."""
    whole = ["word " * 1000] * 4000
    ai.queue_replies(stream_reply(name, "First. ", *whole, tokens=None))
    wish = {"messages": [{"role": "user", "content": ROAST}], "group_id": group, "stream": True}
    with httpx.stream("POST", f"{site.url}/v1/chat", json=wish) as told:
        first = next(line for line in told.iter_lines() if line.startswith("data"))
        assert first.startswith('data: {"text": "First.')

    def question_and_reply() -> list[ChatMessage]:
        stored = messages(site)
        return stored if len(stored) == 2 else []

    _, reply = eventually(question_and_reply)
    assert reply.error == "left"
    assert 0 < len(reply.content) < sum(map(len, whole)) / 2
    assert reply.usage.notes == [ESTIMATE_NOTE]
    assert reply.usage.cost_usd == pytest.approx(spent_usd(site))
    assert spent_usd(site) > 0


def test_quotes_stand_in_for_a_model_that_is_down(site: Site, ai: EmbedsAnyway, name: str, group: str) -> None:
    """Where that is configured, a reader gets the passages when the service does not answer, and is told why."""
    site.configure(AI_PROVIDER_CHAT=f"{name},offline")
    ai.queue_replies(*[FAKES[name].error_reply(500)] * 3)
    given = answer(site, ROAST, group_id=group)
    assert given["content"].startswith("Quoted, not answered")
    assert given["usage"]["provider"] == "offline"
    assert given["usage"]["notes"] == [f"The provider {name} was not available (provider_unavailable)."]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_hostile_text_stays_data(site: Site, attack: str) -> None:
    """Whatever is said in a video, stands in its title or is asked, rules and structure of the request stay."""
    said = attack.replace("\0", "").encode(errors="ignore").decode()
    video = site.submit("https://example.com/a", title=f"Soup {said}"[:200])["id"]
    told(site.place.place.documents, OWNER, video, ["Tomato soup.", f"{said} soup"])
    with service(site, "openai") as ai:
        ai.queue_replies(stream_reply("openai", "Soup [1]."))
        answer(site, f"Tomato soup? {said}"[:2000], video_id=video)
        (body,) = ai.conversations
    assert instructions(body) == rules(None)
    (turn,) = turns(body)
    data = data_in(turn)
    assert data.keys() == {"question", "passages"}
    assert data["question"] == f"Tomato soup? {said}"[:2000].strip()
    assert " ".join(f"{said} soup".split()) in " ".join(passage["text"] for passage in data["passages"])
