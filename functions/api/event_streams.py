"""Server-sent events (WHATWG HTML, 9.2): of a document, for clients without Firestore, and of a chat answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Annotated, Any, cast

import anyio
from anyio import to_thread
from fastapi import Header
from pydantic import Field
from starlette.responses import StreamingResponse
from starlette.types import Send

from shared.chat.answer import AnswerDone, AnswerEvent, AnswerStream, CitationEvent, Question, TextEvent
from shared.errors import Cancelled, ClipwiseError
from shared.models import Model
from shared.models.chat import ChatMessage, Citation
from shared.models.job import Job, Usage
from shared.pipeline.job_storage import JOBS
from shared.platform.ports import Document, Documents, Place
from shared.settings import settings

Render = Callable[[Document], tuple[bool, dict[str, Any]]]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="Id of the last event you received. Only newer states are sent.",
    ),
]
HEARTBEAT_SEC = 15.0
RECONNECT_MS = 1000


class EventStream(StreamingResponse):
    """A stream that closes its source as soon as it ends, however it ends."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast(AsyncGenerator[bytes, None], self.body_iterator)):
            await super().stream_response(send)


class LatestDocument:
    """The newest state of a document, handed from the watcher's thread to the event loop; older ones are dropped."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._document: Document | None = None

    def put(self, document: Document | None) -> None:
        """Set the newest state; may be called from any thread."""
        # The loop may be closed already while the server shuts down.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set, document)

    async def get(self) -> Document | None:
        """Wait for a state not returned before; None when the document was deleted."""
        await self._changed.wait()
        self._changed.clear()
        return self._document

    def _set(self, document: Document | None) -> None:
        self._document = document
        self._changed.set()


def render_job(document: Document) -> tuple[bool, dict[str, Any]]:
    """Return whether a job has ended, and its public form."""
    job = Job.read(document.data)
    return job.status.is_final, job.to_public()


async def document_events(
    documents: Documents, id: str, last_version: str | None, collection: str = JOBS, render: Render | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield an event with the state of a document now, unless its version is `last_version`, and after each change.

    Changes during a slow write are merged into one event. Ends when the document has ended or was deleted.

    Args:
        render: Returns whether a document has ended, and its state. Defaults to the public form of a job.
    """
    latest = LatestDocument()
    unsubscribe = await to_thread.run_sync(documents.watch, collection, id, latest.put)
    try:
        yield b"retry: %d\n\n" % RECONNECT_MS
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SEC):
                    document = await latest.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if document is None:
                return
            ended, state = await to_thread.run_sync(render or render_job, document)
            if document.version != last_version:
                last_version = document.version
                yield f"id: {last_version}\ndata: {json.dumps(state, ensure_ascii=False)}\n\n".encode()
            if ended:
                return
    finally:
        # A disconnecting client cancels everything here; the watch must end nevertheless.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(unsubscribe)


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


class ChatStream:
    """One answer for one client.

    Args:
        share_token: Share token of the client; None for the owner.
    """

    def __init__(self, place: Place, question: Question, share_token: str | None = None) -> None:
        self._disconnected = threading.Event()
        self._share_token = share_token
        self._is_stored = question.is_stored
        self._events = AnswerStream(place, question).events(self._tick)

    def complete_answer(self) -> dict[str, Any]:
        """Return the whole answer. Blocks; raises the errors of `AnswerStream.events`."""
        while not isinstance(event := next(self._events), AnswerDone):
            pass
        return self.answer_json(event.message)

    def next_event(self) -> AnswerEvent | None:
        """Return the next event, None after the last one. Blocks; raises the errors of `AnswerStream.events`."""
        return next(self._events, None)

    async def sse_events(self, event: AnswerEvent | None) -> AsyncGenerator[bytes, None]:
        """Yield this event and all later ones; an error is the last one. Stops the AI when the client disconnects."""
        pending: asyncio.Future[AnswerEvent | None] | None = None
        try:
            while event is not None:
                if data := self.render_event(event):
                    yield data
                pending = asyncio.ensure_future(to_thread.run_sync(self.next_event))
                while not (await asyncio.wait({pending}, timeout=HEARTBEAT_SEC))[0]:
                    yield b": still here\n\n"
                event, pending = pending.result(), None
        except ClipwiseError as error:
            pending = None
            yield self.render_error(error)
        finally:
            self._disconnected.set()
            with anyio.CancelScope(shield=True):
                if pending is not None:
                    # The call ends with the next piece at the latest.
                    with suppress(Cancelled, ClipwiseError):
                        await pending
                await to_thread.run_sync(self._events.close)

    def render_event(self, event: AnswerEvent) -> bytes:
        match event:
            case CitationEvent(citation):
                return sse_event("citation", self.add_link(citation))
            case TextEvent(text):
                return sse_event("piece", {"text": text})
            case AnswerDone(message):
                return sse_event("done", self.answer_json(message))

    def render_error(self, error: ClipwiseError) -> bytes:
        return sse_event("error", {"code": error.code, "detail": error.message})

    def answer_json(self, message: ChatMessage) -> dict[str, Any]:
        is_shared = self._share_token is not None
        answer = {
            "message_id": message.id if self._is_stored else None,
            "content": message.content,
            "found": bool(message.citations),
            "citations": [self.add_link(citation) for citation in message.citations],
            "usage": None if is_shared else message.usage,
        }
        return ChatAnswer.model_validate(answer).to_json()

    def add_link(self, citation: Citation) -> dict[str, Any]:
        return link_citation(citation, self._share_token)

    def _tick(self, done: float, message: str) -> None:
        if self._disconnected.is_set():
            raise Cancelled("chat")


def link_citation(citation: Citation, share_token: str | None = None) -> dict[str, Any]:
    """Add a link to a citation: to the video for the owner (W3C Media Fragments), else into the shared group."""
    if share_token is None:
        link = moment_link(citation.video_id, citation.start)
    else:
        start = format_seconds(citation.start)
        link = f"{settings().public_url}/v1/shared/{share_token}?video={citation.video_id}&t={start}"
    return citation.to_json() | {"link": link}


def moment_link(video_id: str, time: float) -> str:
    """Return the owner's link to a moment in a video (W3C Media Fragments)."""
    return f"{settings().public_url}/v1/videos/{video_id}/source#t={format_seconds(time)}"


def console_link(video_id: str, time: float) -> str:
    """Return the link to a moment of a video in the console, where the owner signs in."""
    return f"{settings().public_url.rstrip('/')}/#/videos/{video_id}?t={format_seconds(time)}"


def format_seconds(time: float) -> str:
    return f"{time:.2f}".rstrip("0").rstrip(".")


def sse_event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
