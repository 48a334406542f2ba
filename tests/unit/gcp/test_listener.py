"""Listening to a document whose stream loses, repeats and delays what happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shared.platform.gcp import document_listener as module
from shared.platform.gcp.document_listener import DocumentListener
from tests.patience import PATIENCE_SEC

START = datetime(2026, 1, 1, tzinfo=UTC)


class State:
    """A snapshot: written at second `written`, or missing, and read at second `read`."""

    def __init__(self, written: int | None, read: int) -> None:
        self.exists = written is not None
        self.number = written
        self.update_time = START + timedelta(seconds=written or 0)
        self.read_time = START + timedelta(seconds=read)


class Reference:
    """A document whose stream the test speaks for."""

    def __init__(self, current: State) -> None:
        self.current = current
        self.unsubscribed = threading.Event()

    def get(self) -> State:
        return self.current

    def on_snapshot(self, callback: Callable[[list[State], object, datetime], None]) -> Reference:
        self.stream = callback
        return self

    def say(self, state: State) -> None:
        self.stream([state] if state.exists else [], None, state.read_time)

    def unsubscribe(self) -> None:
        self.unsubscribed.set()


class Told:
    def __init__(self) -> None:
        self.states: list[int | None] = []
        self.changed = threading.Condition()

    def __call__(self, state: Any) -> None:
        with self.changed:
            self.states.append(state.number if state else None)
            self.changed.notify_all()

    def wait_for(self, *states: int | None) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.states == list(states), PATIENCE_SEC), self.states


def listen(reference: Reference, told: Told) -> DocumentListener:
    return DocumentListener(cast(Any, reference), told)


def test_a_change_that_the_stream_lost_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frontend that starts to listen in the moment its job ends learns that it ended."""
    monkeypatch.setattr(module, "SETTLED_SEC", 0.3)
    for lost in (State(2, 5), State(None, 5)):
        told = Told()
        reference = Reference(lost)
        listen(reference, told)
        reference.say(State(1, 1))
        told.wait_for(1, lost.number)


def test_a_stream_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when no word comes, the state is told."""
    monkeypatch.setattr(module, "SETTLED_SEC", 0.01)
    told = Told()
    listen(Reference(State(3, 3)), told)
    told.wait_for(3)


def test_states_are_told_once_and_never_backwards() -> None:
    """Progress does not jump back because an older word came later."""
    told = Told()
    reference = Reference(State(9, 9))
    listening = listen(reference, told)
    for state in (State(None, 1), State(None, 2), State(1, 3), State(1, 4), State(4, 8), State(1, 5), State(None, 9)):
        reference.say(state)
    assert told.states == [None, 1, 4, None]
    listening.stop()
    listening.stop()
    reference.say(State(10, 10))
    assert told.states == [None, 1, 4, None]
    assert reference.unsubscribed.wait(PATIENCE_SEC)
