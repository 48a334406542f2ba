"""Notification between processes: a named pipe for each thread that waits for a database to change.

SQLite tells nobody of a commit. So a waiting thread sleeps on a pipe of its own in a folder beside the database, and
whoever commits writes a byte into each. A pipe whose reader was killed cannot be opened for writing, and is deleted.
"""

from __future__ import annotations

import errno
import os
import secrets
import select
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal
from weakref import WeakSet

Topic = Literal["deliveries", "documents", "any"]
"""What a thread waits for; `any` is every change."""
POLL_SEC = 0.25
"""Where no pipe can be made, such as on a full disk, a wait ends so soon."""
READ_BYTES = 1 << 16


class ChangeNotifier:
    """The pipes beside one database: those of this process's threads to wait on, and everybody's to write into.

    Attributes:
        wakes: Number of calls of `wake`.
    """

    def __init__(self, folder: Path) -> None:
        self.wakes = 0
        self._folder = folder
        self._lock = threading.Lock()
        self._local = _ThreadState()
        self._pipes: WeakSet[ChangePipe] = WeakSet()

    def pipe(self, topic: Topic) -> ChangePipe:
        """Return this thread's pipe. It receives what is notified from its first use on."""
        pipe = self._local.pipes.get(topic)
        if pipe is None:
            pipe = self._local.pipes[topic] = ChangePipe(self._folder, topic)
            with self._lock:
                self._pipes.add(pipe)
        return pipe

    def notify(self, topics: Iterable[Topic]) -> None:
        """Wake the threads of all processes that wait for one of the topics."""
        try:
            pipes = list(self._folder.iterdir())
        except FileNotFoundError:
            return
        prefixes = tuple(topics)
        for pipe in pipes:
            if pipe.name.startswith(prefixes):
                _notify_pipe(pipe)

    def wake(self, topic: Topic) -> None:
        """Wake the threads of this process that wait for the topic."""
        with self._lock:
            self.wakes += 1
            pipes = [pipe for pipe in self._pipes if pipe.topic == topic]
        for pipe in pipes:
            pipe.wake()

    def close(self) -> None:
        """Remove this thread's pipes; those of other threads go when their threads end."""
        self._local.pipes.clear()


class ChangePipe:
    """The pipe of one thread. It is removed with the object."""

    def __init__(self, folder: Path, topic: Topic) -> None:
        self.topic = topic
        self._path = folder / f"{topic}-{secrets.token_hex(8)}"
        self._descriptor: int | None = None
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = _open_pipe(self._path)

    def wait(self, timeout_sec: float) -> None:
        """Sleep until a byte is in the pipe, and empty it."""
        if self._descriptor is None:
            time.sleep(min(timeout_sec, POLL_SEC))
            return
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if poll.poll(timeout_sec * 1000):
            with suppress(BlockingIOError):
                os.read(self._descriptor, READ_BYTES)

    def wake(self) -> None:
        if self._descriptor is not None:
            _write_byte(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


class _ThreadState(threading.local):
    def __init__(self) -> None:
        self.pipes: dict[Topic, ChangePipe] = {}


def _notify_pipe(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            # Whoever read it was killed.
            path.unlink(missing_ok=True)
        # Without a free descriptor, the waiting thread looks by itself after a while.
        return
    try:
        _write_byte(descriptor)
    finally:
        os.close(descriptor)


def _write_byte(descriptor: int) -> None:
    # A full pipe wakes its reader as well; one without a reader needs nothing.
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(descriptor, b"\0")


def _open_pipe(path: Path) -> int:
    """Create a pipe that others see only once it has a reader."""
    hidden = path.with_name(f".{path.name}")
    os.mkfifo(hidden, 0o600)
    try:
        # For writing too: without any writer, a pipe counts as readable for ever.
        descriptor = os.open(hidden, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        hidden.rename(path)
    except OSError:
        hidden.unlink(missing_ok=True)
        raise
    return descriptor
