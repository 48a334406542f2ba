"""A job's document as server-sent events (WHATWG HTML, 9.2), for clients that cannot listen to documents themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import cast

import anyio
from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Send

from shared.models.job import Job
from shared.pipeline.paths import JOBS
from shared.platform.ports import Document, Documents

HEARTBEAT_SEC = 15.0
RECONNECT_MS = 1000


class EventStream(StreamingResponse):
    """Closes its source however it ends, and not only when the garbage is collected."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast(AsyncGenerator[bytes, None], self.body_iterator)):
            await super().stream_response(send)


class Latest:
    """The newest state of a document, handed from the watcher's thread to the event loop; older ones are dropped."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._document: Document | None = None

    def put(self, document: Document | None) -> None:
        """From any thread."""
        # The loop may be closed already when the server goes down.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set, document)

    async def get(self) -> Document | None:
        """Wait for a state that was not got yet; None when the document is gone."""
        await self._changed.wait()
        self._changed.clear()
        return self._document

    def _set(self, document: Document | None) -> None:
        self._document = document
        self._changed.set()


async def follow(documents: Documents, job_id: str, seen: str | None) -> AsyncGenerator[bytes, None]:
    """Events with the job's public form: its state now, unless its version is `seen`, then each change.

    Changes that come while the client is slow are seen as one. Ends when the job has ended or is gone.
    """
    latest = Latest()
    unsubscribe = await to_thread.run_sync(documents.watch, JOBS, job_id, latest.put)
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
            job, event = await to_thread.run_sync(render, document)
            if document.version != seen:
                seen = document.version
                yield event
            if job.status.final:
                return
    finally:
        # The client's going cancels everything here; the watch must end all the same.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(unsubscribe)


def render(document: Document) -> tuple[Job, bytes]:
    job = Job.read(document.data)
    data = json.dumps(job.public(), ensure_ascii=False)
    return job, f"id: {document.version}\ndata: {data}\n\n".encode()
