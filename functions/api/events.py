"""Server-sent events (WHATWG HTML, 9.2) of a job's document, for clients that cannot listen to documents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Annotated, Any, cast

import anyio
from anyio import to_thread
from fastapi import Header
from starlette.responses import StreamingResponse
from starlette.types import Send

from shared.models.job import Job
from shared.pipeline.paths import JOBS
from shared.platform.ports import Document, Documents

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
        # The loop may be closed already when the server goes down.
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
    """Yield events with the public form of a job, or what `render` returns: now, unless its version is `seen`, and
    after each change.

    Changes during a slow write are merged into one event. Ends when the document has ended or was deleted.
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
        # The client's going cancels everything here; the watch must end all the same.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(unsubscribe)
