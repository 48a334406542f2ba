"""Chat answers for clients: whole, or streamed as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import anyio
from anyio import to_thread
from pydantic import Field

from functions.api.events import HEARTBEAT_SEC
from shared.chat.answering import Answer, Cited, Done, Event, Question, Said
from shared.errors import Cancelled, ClipwiseError
from shared.models.base import Model
from shared.models.chat import Citation, Message
from shared.models.job import Usage
from shared.platform.ports import Platform
from shared.settings import settings


class CitationInfo(Citation):
    """A passage of a video that supports an answer, with a link to it."""

    link: str = Field(description="Link to the cited moment in the video.")


class ChatAnswer(Model):
    """The answer to a question."""

    message_id: str | None = Field(
        description="Id of the answer in the chat history. Null if the answer is not stored."
    )
    content: str = Field(description="Text of the answer, with citations as [1], [2], …")
    found: bool = Field(description="Whether the videos contain the answer.")
    citations: list[CitationInfo] = Field(description="Passages that support the answer, by number.")
    usage: Usage | None = Field(
        description="Resources used to generate the answer. Null if the question came with a share token."
    )


class Talk:
    """One answer for one client.

    Args:
        share_token: Share token of the client; None for the owner.
    """

    def __init__(self, place: Platform, question: Question, share_token: str | None) -> None:
        self._gone = threading.Event()
        self._share_token = share_token
        self._kept = question.kept
        self._events = Answer(place, question).events(self._tick)

    def whole(self) -> dict[str, Any]:
        """Blocks; raises as `Answer.events`."""
        while not isinstance(event := next(self._events), Done):
            pass
        return self.told(event.message)

    def next(self) -> Event | None:
        """Blocks; None after the last one; raises as `Answer.events`."""
        return next(self._events, None)

    async def stream(self, event: Event | None) -> AsyncGenerator[bytes, None]:
        """Yield this event and all later ones; an error is the last one. Stops the AI when the client disconnects."""
        waiting: asyncio.Future[Event | None] | None = None
        try:
            while event is not None:
                yield self.rendered(event)
                waiting = asyncio.ensure_future(to_thread.run_sync(self.next))
                while not (await asyncio.wait({waiting}, timeout=HEARTBEAT_SEC))[0]:
                    yield b": still here\n\n"
                event, waiting = waiting.result(), None
        except ClipwiseError as error:
            waiting = None
            yield sent("error", {"code": error.code, "detail": error.message})
        finally:
            self._gone.set()
            with anyio.CancelScope(shield=True):
                if waiting is not None:
                    # It ends with the next piece at the latest.
                    with suppress(Cancelled, ClipwiseError):
                        await waiting
                await to_thread.run_sync(self._events.close)

    def rendered(self, event: Event) -> bytes:
        match event:
            case Cited(citation):
                return sent("citation", self.linked(citation))
            case Said(text):
                return sent("piece", {"text": text})
            case Done(message):
                return sent("done", self.told(message))

    def told(self, message: Message) -> dict[str, Any]:
        shared = self._share_token is not None
        answer = {
            "message_id": message.id if self._kept else None,
            "content": message.content,
            "found": bool(message.citations),
            "citations": [self.linked(citation) for citation in message.citations],
            "usage": None if shared else message.usage,
        }
        return ChatAnswer.model_validate(answer).json_form()

    def linked(self, citation: Citation) -> dict[str, Any]:
        return linked(citation, self._share_token)

    def _tick(self, done: float, what: str) -> None:
        if self._gone.is_set():
            raise Cancelled("chat")


def linked(citation: Citation, share_token: str | None = None) -> dict[str, Any]:
    """Add a link to a citation: to the video for the owner (W3C Media Fragments), else into the shared group."""
    where, start = settings().public_url, f"{citation.start:.2f}".rstrip("0").rstrip(".")
    if share_token is None:
        link = f"{where}/v1/videos/{citation.video_id}/source#t={start}"
    else:
        link = f"{where}/v1/shared/{share_token}?video={citation.video_id}&t={start}"
    return citation.json_form() | {"link": link}


def sent(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
