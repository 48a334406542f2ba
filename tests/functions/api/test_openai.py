"""Chat for programs that talk to OpenAI's API: by OpenAI's own SDK, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.api_site import Site
from tests.functions.api.chat_requests import (
    OWNER,
    EmbedsAnyway,
    data_in,
    group,
    instructions,
    messages,
    service,
    stream_reply,
    turns,
    videos,
)
from tests.transcript_samples import told

__all__ = ["group", "videos"]

ROAST = "How long do I roast the tomatoes, and who is Harriet?"
LIBRARY = "clipwise-library"


@pytest.fixture
def sdk(site: Site) -> Iterator[OpenAI]:
    """The SDK of whoever owns the videos; it never connects without a key."""
    with connect(site, f"token-{OWNER}") as client:
        yield client


def connect(site: Site, key: str) -> OpenAI:
    return OpenAI(base_url=f"{site.url}/v1/openai", api_key=key, max_retries=0)


def asks(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


@pytest.fixture
def ai(site: Site, group: str) -> Iterator[EmbedsAnyway]:
    """A service whose model answers, and the group that is asked about."""
    with service(site, "openai") as running:
        yield running


def test_the_library_and_each_group_are_models(site: Site, sdk: OpenAI, group: str) -> None:
    """Open WebUI lists the library and the groups by name, and can look one up."""
    listed = sdk.models.list().data
    assert [(model.id, model.object, model.owned_by) for model in listed] == [
        (LIBRARY, "model", "clipwise"),
        (f"clipwise-group-{group}", "model", "clipwise"),
    ]
    assert getattr(listed[0], "name", "") == "Clipwise library"
    assert sdk.models.retrieve(listed[1].id) == listed[1]


def test_an_answer_cites_with_links_to_the_second(
    site: Site, sdk: OpenAI, ai: EmbedsAnyway, group: str, videos: dict[str, str]
) -> None:
    """Each citation is a link that opens the video in the console at the moment; sources and usage follow."""
    ai.queue_replies(stream_reply("openai", "Forty min", "utes [", "1", "]."))
    answer = sdk.chat.completions.create(model=f"clipwise-group-{group}", messages=asks(ROAST))
    link = f"{site.url}/#/videos/{videos['Soup']}?t=0"
    content = answer.choices[0].message.content
    assert content == f"Forty minutes [[1]]({link}).\n\n1. [Soup, 0:00]({link})"
    assert (answer.object, answer.choices[0].finish_reason) == ("chat.completion", "stop")
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 1000
    assert not messages(site), "the program keeps the conversation itself"


def test_an_answer_comes_in_chunks(site: Site, sdk: OpenAI, ai: EmbedsAnyway, videos: dict[str, str]) -> None:
    """Streamed, the answer has the same text, in pieces, and its usage in the last chunk if asked for."""
    ai.queue_replies(stream_reply("openai", "Forty min", "utes [", "1", "]."))
    chunks = list(
        sdk.chat.completions.create(
            model=LIBRARY, messages=asks(ROAST), stream=True, stream_options={"include_usage": True}
        )
    )
    *pieces, last, usage = chunks
    link = f"{site.url}/#/videos/{videos['Soup']}?t=0"
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert text == f"Forty minutes [[1]]({link}).\n\n1. [Soup, 0:00]({link})"
    assert len(pieces) > 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (last.choices[0].finish_reason, usage.choices) == ("stop", [])
    assert usage.usage
    assert usage.usage.total_tokens > 1000
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_group_answers_from_its_own_videos_only(site: Site, sdk: OpenAI, videos: dict[str, str]) -> None:
    """Without an AI key, a group's model quotes its own videos; the library's quotes all."""
    stars = site.client.post("/v1/groups", json={"name": "Stars"}).json()["id"]
    site.client.post(f"/v1/groups/{stars}/videos", json={"video_ids": [videos["Stars"]]})

    def quoted(model: str) -> set[str]:
        answer = sdk.chat.completions.create(model=model, messages=asks("Roast the tomatoes in the oven"))
        return {title for title, id in videos.items() if id in (answer.choices[0].message.content or "")}

    assert quoted(LIBRARY) == {"Soup"}
    assert quoted(f"clipwise-group-{stars}") == set()


def test_system_messages_are_ignored_and_earlier_ones_explain(site: Site, sdk: OpenAI, ai: EmbedsAnyway) -> None:
    """A program's own system prompt changes no rule; the conversation goes to the model as data, cut to a length."""
    conversation: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "What about the tomatoes?" + "!" * 2000},
        {"role": "assistant", "content": "They are roasted [1]."},
        {
            "role": "user",
            "content": [{"type": "text", "text": ROAST}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
    ]
    ai.queue_replies(stream_reply("openai", "Well."))
    sdk.chat.completions.create(model=LIBRARY, messages=conversation, temperature=0.1, user="me")
    (asked,) = ai.conversations
    assert "pirate" not in str(asked)
    assert "no source of facts" in instructions(asked)
    (turn,) = turns(asked)
    data = data_in(turn)
    assert data["question"] == ROAST
    assert [(each["role"], len(each["text"])) for each in data["earlier"]] == [("user", 1000), ("assistant", 21)]


def test_what_strangers_say_is_no_markup(site: Site, sdk: OpenAI, videos: dict[str, str]) -> None:
    """A title or transcript cannot put a link, a picture or HTML into the answer that a program renders."""
    trap = "Roast tomatoes ![x](https://evil.example/p) <img src=x> \u202egnp.eci [7] `code`."
    told(site.place.place.documents, OWNER, videos["Stars"], [trap])
    site.client.patch(f"/v1/videos/{videos['Stars']}", json={"title": "[free](https://evil.example)"})
    answer = sdk.chat.completions.create(model=LIBRARY, messages=asks("Roast tomatoes evil example code"))
    content = answer.choices[0].message.content or ""
    assert r"!\[x\](https://evil.example/p) \<img src=x\> gnp.eci \[7\] \`code\`." in content
    assert r"\[free\](https://evil.example)" in content
    assert "\u202e" not in content


@pytest.mark.parametrize(
    ("model", "status", "code", "error"),
    [
        ("gpt-5", 404, "unknown_model", openai.NotFoundError),
        (f"clipwise-group-{'0' * 32}", 404, "unknown_model", openai.NotFoundError),
    ],
)
def test_an_unknown_model(sdk: OpenAI, model: str, status: int, code: str, error: type[openai.APIStatusError]) -> None:
    """A model that does not exist, or whose group is somebody else's, is an error as OpenAI's SDK knows it."""
    for call in (
        lambda: sdk.chat.completions.create(model=model, messages=asks(ROAST)),
        lambda: sdk.models.retrieve(model),
    ):
        with pytest.raises(error) as raised:
            call()
        assert (raised.value.status_code, raised.value.code, raised.value.type) == (status, code, "not_found_error")
        assert "GET /v1/openai/models" in raised.value.message


def test_another_s_group_is_no_model(site: Site) -> None:
    """Ann's groups are neither listed nor answered for Ben."""
    site.configure(AUTH_REQUIRED="true")
    with connect(site, "token-ann") as ann, connect(site, "token-ben") as ben:
        headers = {"Authorization": "Bearer token-ann"}
        site.client.post("/v1/groups", json={"name": "Soups"}, headers=headers)
        model = ann.models.list().data[1].id
        assert [each.id for each in ben.models.list().data] == [LIBRARY]
        with pytest.raises(openai.NotFoundError):
            ben.chat.completions.create(model=model, messages=asks(ROAST))


def test_errors_are_openai_s(site: Site, sdk: OpenAI) -> None:
    """A bad key, an invalid field, a missing question and a used-up limit are errors of the SDK's own classes."""
    site.configure(AUTH_REQUIRED="true")
    with connect(site, "nonsense") as stranger, pytest.raises(openai.AuthenticationError) as refused:
        stranger.models.list()
    assert (refused.value.code, refused.value.type) == ("unauthenticated", "authentication_error")
    assert refused.value.response.headers["www-authenticate"] == "Bearer"
    with connect(site, "token-ann") as ann:
        with pytest.raises(openai.UnprocessableEntityError) as invalid:
            ann.chat.completions.create(model=LIBRARY, messages=asks(ROAST), extra_body={"stream": "perhaps"})
        assert (invalid.value.code, invalid.value.param) == ("invalid_request", "stream")
        with pytest.raises(openai.UnprocessableEntityError) as missing:
            ann.chat.completions.create(model=LIBRARY, messages=[{"role": "system", "content": "Hello"}])
        assert missing.value.code == "no_question"
        with pytest.raises(openai.APIStatusError) as large:
            ann.chat.completions.create(model=LIBRARY, messages=asks("x" * 1_100_000))
        assert (large.value.status_code, large.value.code) == (413, "too_large")
        site.configure(RATE_LIMIT_CHAT="1/hour")
        ann.chat.completions.create(model=LIBRARY, messages=asks(ROAST))
        with pytest.raises(openai.RateLimitError) as limited:
            ann.chat.completions.create(model=LIBRARY, messages=asks(ROAST))
        assert (limited.value.code, limited.value.type) == ("rate_limited", "rate_limit_error")
        assert int(limited.value.response.headers["retry-after"]) > 0
    assert site.client.get("/v1/openai/nothing").json()["error"]["code"] == "not_found"


def test_an_answer_that_breaks_off_is_an_error(site: Site, sdk: OpenAI, ai: EmbedsAnyway) -> None:
    """An answer that its provider cuts off in the middle ends the stream with an error, not as if it were whole."""
    ai.queue_replies(stream_reply("openai", "Forty min", "utes", finish_reason="length"))
    with pytest.raises(openai.APIError) as raised:
        list(sdk.chat.completions.create(model=LIBRARY, messages=asks(ROAST), stream=True))
    assert raised.value.code == "answer_too_long"
