"""Listening to one document in Firestore."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from google.cloud import firestore

Snapshot = firestore.DocumentSnapshot[firestore.DocumentReference]
SETTLED_SEC = 1.0


class DocumentListener:
    """Reports a document's states from other threads, each newer than the one before, until it is stopped.

    Firestore's emulator may lose a change while a stream starts: the stream reports the older state last, or nothing
    until the next change. So the document is read once more SETTLED_SEC after the start.
    """

    def __init__(self, reference: firestore.DocumentReference, on_state: Callable[[Snapshot | None], None]) -> None:
        """`on_state` is called with None if the document does not exist."""
        self._reference = reference
        self._on_state = on_state
        self._lock = threading.RLock()
        # The update time of the last reported state, in a tuple since «missing» is a state, too.
        self._last_state: tuple[datetime | None] | None = None
        self._read_at: datetime | None = None
        self._stopped = False
        self._stream = reference.on_snapshot(self._on_snapshot)
        self._settle_timer = threading.Timer(SETTLED_SEC, self._read_again)
        self._settle_timer.daemon = True
        self._settle_timer.start()

    def stop(self) -> None:
        """Report no more states. May be called from any thread, any number of times."""
        if not self._stopped:
            self._stopped = True
            self._settle_timer.cancel()
            # The stream's own thread may call this, and cannot wait for itself to end.
            threading.Thread(target=self._stream.unsubscribe, name="unsubscribe", daemon=True).start()

    def _on_snapshot(self, snapshots: list[Snapshot], _changes: object, read_at: datetime) -> None:
        self._notify(snapshots[0] if snapshots else None, read_at)

    def _read_again(self) -> None:
        snapshot = self._reference.get()
        self._notify(snapshot if snapshot.exists else None, snapshot.read_time)

    def _notify(self, snapshot: Snapshot | None, read_at: datetime) -> None:
        with self._lock:
            state = (snapshot.update_time if snapshot else None,)
            if self._stopped or state == self._last_state or (self._read_at and read_at < self._read_at):
                return
            self._last_state, self._read_at = state, read_at
            self._on_state(snapshot)
