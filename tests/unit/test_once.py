"""What a process must not have twice is made once, however many threads need it at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from shared.once import once


def test_threads_wait_for_the_first() -> None:
    """The second thread gets what the first one makes; after `cache_clear` it is made again."""
    made: list[object] = []
    is_begun, may_end, is_waiting = threading.Event(), threading.Event(), threading.Event()

    @once
    def make() -> object:
        made.append(object())
        is_begun.set()
        may_end.wait()
        return made[-1]

    def call_second() -> object:
        is_waiting.set()
        return make()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(make)
        is_begun.wait()
        assert not make.is_made
        second = threads.submit(call_second)
        is_waiting.wait()
        may_end.set()
        assert first.result() is second.result() is make()
    assert len(made) == 1
    assert make.is_made
    make.cache_clear()
    assert make() is not made[0]
