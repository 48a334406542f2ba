"""Watches on documents: one thread per process notifies subscribers of changes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.platform.embedded.database import Database
from shared.platform.ports import Document, Unsubscribe

log = logging.getLogger(__name__)
IDLE_SEC = 60.0
PAUSE_SEC = 1.0


@dataclass(eq=False)
class _Subscription:
    collection: str
    id: str
    on_change: Callable[[Document | None], None]
    notified: bool = False
    version: str | None = None
    active: bool = True


class DocumentWatcher:
    """Notifies subscribers from one thread, which runs while there are subscriptions and sleeps between changes."""

    def __init__(self, db: Database, read: Callable[[str, str], Document | None]) -> None:
        """`read` returns a document by collection and id."""
        self._db = db
        self._read = read
        self._lock = threading.Lock()
        self._subscriptions: list[_Subscription] = []
        self._thread: threading.Thread | None = None

    def watch(self, collection: str, id: str, on_change: Callable[[Document | None], None]) -> Unsubscribe:
        subscription = _Subscription(collection, id, on_change)

        def unsubscribe() -> None:
            with self._lock:
                subscription.active = False
                if subscription in self._subscriptions:
                    self._subscriptions.remove(subscription)
            self._db.wake("documents")

        with self._lock:
            self._subscriptions.append(subscription)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="document-watcher", daemon=True)
                self._thread.start()
        self._db.wake("documents")
        return unsubscribe

    def _run(self) -> None:
        is_watching = True
        while is_watching:
            try:
                is_watching = self._round()
            except Exception:
                log.exception("changed documents cannot be watched; trying again")
                time.sleep(PAUSE_SEC)
        self._db.close()

    def _round(self) -> bool:
        """Notify of what has changed and wait for the next change; False when nobody watches any more."""
        marker = self._db.change_marker()
        with self._lock:
            if not self._subscriptions:
                self._thread = None
                return False
            current = list(self._subscriptions)
        for subscription in current:
            self._notify_safely(subscription)
        self._db.wait_for_change(marker, IDLE_SEC, "documents")
        return True

    def _notify_safely(self, subscription: _Subscription) -> None:
        try:
            self._notify(subscription)
        except Exception:
            # One subscriber's fault must not silence the others.
            log.exception("a watch on %s/%s failed", subscription.collection, subscription.id)

    def _notify(self, subscription: _Subscription) -> None:
        row = self._db.connection.execute(
            "SELECT version FROM documents WHERE collection = ? AND id = ?", (subscription.collection, subscription.id)
        ).fetchone()
        if subscription.notified and (row and row["version"]) == subscription.version:
            return
        document = self._read(subscription.collection, subscription.id)
        subscription.notified = True
        subscription.version = document.version if document else None
        if subscription.active:
            subscription.on_change(document)
