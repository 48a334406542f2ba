"""Saving in batches, as they come together while the batch before is being saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
GATHER_SEC = 0.02
"""How long an item waits for others."""


class BatchSaver(Generic[T, R]):
    """Saves items of one event loop in a thread, one batch at a time.

    Args:
        save: Returns a result for each item.
        enough: Number of items with which a batch starts at once.
    """

    def __init__(self, save: Callable[[Sequence[T]], Sequence[R]], threads: Executor, enough: int) -> None:
        self._save = save
        self._threads = threads
        self._enough = enough
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._is_enough = asyncio.Event()
        self._saving: asyncio.Task[None] | None = None

    async def save(self, item: T) -> R:
        """Return the item's result once it is saved; raises what its batch raises.

        A cancellation ends the wait only: the item is saved all the same.
        """
        saved: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, saved))
        if len(self._waiting) >= self._enough:
            self._is_enough.set()
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_batches())
        return await saved

    async def finish(self) -> None:
        """Save what is waiting. Errors are raised where an item's result is awaited."""
        self._enough = 0
        self._is_enough.set()
        if self._saving:
            await self._saving

    async def _save_batches(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._enough:
                self._is_enough.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_enough.wait(), GATHER_SEC)
            batch, self._waiting = self._waiting, []
            await self._save_batch(batch)
        self._saving = None

    async def _save_batch(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        loop = asyncio.get_running_loop()
        saving = loop.run_in_executor(self._threads, self._save, [item for item, _ in batch])
        await asyncio.wait([saving])
        for number, (_, saved) in enumerate(batch):
            if saved.done():
                continue  # nobody waits for it any more
            if error := saving.exception():
                saved.set_exception(error)
            else:
                saved.set_result(saving.result()[number])
