"""Asking over HTTP, and the services that answer."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from infra.stand_ins import gemini_server, openai_server
from infra.stand_ins.gemini_server import GeminiServer
from infra.stand_ins.openai_server import OpenAIServer
from infra.stand_ins.server import RecordedRequest, Reply, StandInServer
from shared.ai.prompt import CLOSE, OPEN
from shared.models.chat import ChatMessage
from tests.api_site import Site, events
from tests.functions.api.test_groups import group_of
from tests.transcript_samples import SOUP, STARS, told

OWNER = "local"
FAKES: dict[str, Any] = {"openai": openai_server, "gemini": gemini_server}


class EmbedsAnyway(StandInServer):
    """Keeps the answers that are prepared for conversations."""

    def reply_to(self, asked: RecordedRequest) -> Reply:
        if "mbed" not in asked.path:
            return super().reply_to(asked)
        kept, self.queue = self.queue, deque()
        try:
            return super().reply_to(asked)
        finally:
            self.queue = kept

    @property
    def conversations(self) -> list[Any]:
        return [asked.json for asked in self.requests if "mbed" not in asked.path]


class TalkingOpenAI(EmbedsAnyway, OpenAIServer):
    pass


class TalkingGemini(EmbedsAnyway, GeminiServer):
    pass


@contextmanager
def service(site: Site, name: str) -> Iterator[EmbedsAnyway]:
    """The service whose model answers in chats."""
    if name == "openai":
        with TalkingOpenAI() as openai:
            site.configure(AI_PROVIDER="openai", OPENAI_API_KEY=openai_server.KEY, OPENAI_BASE_URL=openai.base_url)
            yield openai
    else:
        with TalkingGemini() as gemini:
            site.configure(AI_PROVIDER="gemini", GEMINI_API_KEY=gemini_server.KEY, GOOGLE_GEMINI_BASE_URL=gemini.url)
            yield gemini


def stream_reply(name: str, *pieces: str, **more: Any) -> Reply:
    reply: Reply = FAKES[name].stream_reply(*pieces, **more)
    return reply


def instructions(body: Any) -> str:
    """What the model was told to do, in a request to either service."""
    if "messages" in body:
        return str(body["messages"][0]["content"])
    return str(body["systemInstruction"]["parts"][0]["text"])


def turns(body: Any) -> list[str]:
    """What was said to the model, and nothing but that."""
    if "messages" in body:
        assert [message["role"] for message in body["messages"][1:]] == ["user"]
        return [message["content"] for message in body["messages"][1:]]
    assert [content["role"] for content in body["contents"]] == ["user"]
    return [part["text"] for content in body["contents"] for part in content["parts"]]


def data_in(text: str) -> dict[str, Any]:
    """The data between the marks, which stand at the very start and end and nowhere else."""
    inside = text.removeprefix(f"{OPEN}\n").removesuffix(f"\n{CLOSE}")
    assert len(inside) == len(text) - len(OPEN) - len(CLOSE) - 2
    assert not {"<", ">"} & set(inside)
    assert inside.isprintable()
    data: dict[str, Any] = json.loads(inside)
    return data


@pytest.fixture
def videos(site: Site) -> dict[str, str]:
    """One about soup and one about stars."""
    made = {title: site.submit(f"https://example.com/{title}", title=title)["id"] for title in ("Soup", "Stars")}
    for title, lines in (("Soup", SOUP), ("Stars", STARS)):
        told(site.place.place.documents, OWNER, made[title], lines)
    return made


@pytest.fixture
def group(site: Site, videos: dict[str, str]) -> str:
    return group_of(site, *videos.values())


def ask(site: Site, question: str, **more: Any) -> httpx.Response:
    return site.client.post("/v1/chat", json={"messages": [{"role": "user", "content": question}]} | more)


def answer(site: Site, question: str, **more: Any) -> dict[str, Any]:
    told = ask(site, question, **more)
    assert told.status_code == 200, told.text
    given: dict[str, Any] = told.json()
    return given


def streamed_events(site: Site, question: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    told = ask(site, question, stream=True, **more)
    assert told.status_code == 200, told.text
    assert told.headers["content-type"].startswith("text/event-stream")
    return [(event["event"], json.loads(event["data"])) for event in events(told.text)]


def messages(site: Site) -> list[ChatMessage]:
    page = site.place.place.documents.query("messages", order=[("createdAt", "asc")])
    return [ChatMessage.read(document.data) for document in page.documents]


def spent_usd(site: Site) -> float:
    return sum(document.data["spentUsd"] for document in site.place.place.documents.query("spending").documents)
