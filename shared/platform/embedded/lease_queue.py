"""The durable queue from which workers claim deliveries: leases, backoff, dead letters."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import clock
from shared.errors import NotFound
from shared.platform.cursors import read_cursor, write_cursor
from shared.platform.embedded.bus import EventDelivery, Handover, SqliteBus
from shared.platform.embedded.codec import decode_time, encode_time
from shared.platform.embedded.database import ChangeMarker, Database
from shared.platform.embedded.turns import SHORT_IN_A_ROW
from shared.platform.ports import DeadLetter, DeadLetterPage
from shared.wiring import Backoff, wiring

NO_BACKOFF = Backoff(min=1, max=60)
LAST_ID = 2**63 - 1
"""The largest number that SQLite gives to a row."""
DEAD_LETTERS = "dead_letters"
"""The form of a cursor of the list of dead letters."""
# The next delivery of each function, by index.
_NEXT = """
    SELECT * FROM deliveries WHERE id IN (
        SELECT (SELECT id FROM deliveries WHERE function = value AND long = ? AND NOT leased AND visible_at <= ?
            ORDER BY turn, id LIMIT 1) FROM json_each(?)
    ) ORDER BY turn, id LIMIT 1
"""
_ABANDONED = """
    SELECT * FROM deliveries WHERE id IN (
        SELECT (SELECT id FROM deliveries WHERE function = value AND leased AND visible_at <= ?
            ORDER BY visible_at, id LIMIT 1) FROM json_each(?)
    ) ORDER BY visible_at, id LIMIT 1
"""
_LATER = """
    SELECT min((SELECT min(visible_at) FROM deliveries WHERE function = value AND visible_at > ?)) FROM json_each(?)
"""


@dataclass(frozen=True)
class Demand:
    """The need for workers of some functions.

    Attributes:
        waiting: Number of deliveries that can be claimed.
        next_at: When another one can be claimed, by `clock.steady_now`, unless something changes; None for never.
    """

    waiting: int
    next_at: datetime | None


class LeaseQueue:
    """Deliveries that wait for workers, with the port `Queue` for operators.

    A worker holds a delivery until it acknowledges or refuses it, or another one claims it after the lease ended.
    """

    def __init__(self, db: Database, bus: SqliteBus) -> None:
        self._db = db
        self._bus = bus
        self._short_claims = 0

    def claim(
        self,
        functions: Sequence[str] | None = None,
        lease_sec: float = 30,
        abandoned: Sequence[str] | None = None,
    ) -> EventDelivery | None:
        """Lease the delivery of `functions` (None = all) whose turn it is; return None without one.

        Short work comes before long work, but not more than SHORT_IN_A_ROW times. A delivery whose last lease expired
        comes from the functions `abandoned` (None = the same) instead. One that reached the limit of its function goes
        to the dead letters.
        """
        if not self._first_visible(functions, abandoned):
            return None
        with self._db.transaction() as connection:
            while row := self._first_visible(functions, abandoned):
                if row["count"] < wiring().functions[row["function"]].deliveries:
                    connection.execute(
                        "UPDATE deliveries SET leased = ?, count = count + 1, visible_at = ? WHERE id = ?",
                        (os.getpid(), _time_after(lease_sec), row["id"]),
                    )
                    self._short_claims = 0 if row["long"] else self._short_claims + 1
                    return _delivery_from_row(row, row["count"] + 1)
                self._move_to_dead_letters(row)
        return None

    @contextmanager
    def handing_over(self, function: str | None, lease_sec: float = 30) -> Iterator[Handover | None]:
        """Reserve for this thread the next message that it publishes to the function, unless others wait for that.

        So a job's next stage follows on the same worker, without a trip through the queue. `handed_over` returns the
        delivery afterwards.
        """
        if function is None:
            yield None
            return
        handover = Handover(function, lease_sec)
        with self._bus.handing_over(handover):
            yield handover

    def handed_over(self, handover: Handover | None) -> EventDelivery | None:
        """Return the delivery that was reserved; None if there is none."""
        if handover is None or handover.delivery_id is None:
            return None
        row = self._db.connection.execute(
            "SELECT * FROM deliveries WHERE id = ? AND leased = ?", (handover.delivery_id, os.getpid())
        ).fetchone()
        return row and _delivery_from_row(row, row["count"])

    def extend_lease(self, delivery: EventDelivery, lease_sec: float) -> bool:
        """Hold the delivery for `lease_sec` from now; return False if the lease was lost."""
        return self._update_leased(delivery, "UPDATE deliveries SET visible_at = ?", _time_after(lease_sec))

    def acknowledge(self, delivery: EventDelivery) -> bool:
        """Remove the delivery; return False, without effect, if the lease was lost."""
        return self._update_leased(delivery, "DELETE FROM deliveries")

    def refuse(self, delivery: EventDelivery, delay_sec: float | None = None) -> bool:
        """Return the delivery to the queue for `delay_sec` (None = the function's backoff, doubling, ±25 %).

        After the last delivery that the wiring table allows, it becomes a dead letter. Returns False, without effect,
        if the lease was lost.
        """
        function = wiring().functions[delivery.function]
        if delay_sec is None:
            backoff = function.backoff_sec or NO_BACKOFF
            doubled = backoff.min * 2 ** min(delivery.count - 1, 32)
            delay_sec = min(doubled, backoff.max) * random.uniform(0.75, 1.25)  # noqa: S311  # spreads load, hides nothing
        with self._db.transaction("deliveries") as connection:
            if delivery.count < function.deliveries:
                return self._update_leased(
                    delivery, "UPDATE deliveries SET leased = 0, visible_at = ?", _time_after(delay_sec)
                )
            row = connection.execute(
                "SELECT * FROM deliveries WHERE id = ? AND count = ? AND leased", (delivery.id, delivery.count)
            ).fetchone()
            if row:
                self._move_to_dead_letters(row)
            return row is not None

    def release_all(self) -> None:
        """End all leases without counting these deliveries. Call this at a start, when no earlier worker runs.

        Deliveries that wait are due at once, too: if the clock was set back meanwhile, they would wait for long.
        """
        now = _time_after(0)
        with self._db.transaction("deliveries") as connection:
            connection.execute(
                "UPDATE deliveries SET leased = 0, count = count - 1, visible_at = ? WHERE leased", (now,)
            )
            connection.execute("UPDATE deliveries SET visible_at = ? WHERE visible_at > ?", (now, now))

    def expire_leases(self, process_id: int) -> None:
        """End the leases of a process that crashed, so that its deliveries come again now, as abandoned ones."""
        with self._db.transaction("deliveries") as connection:
            connection.execute("UPDATE deliveries SET visible_at = ? WHERE leased = ?", (_time_after(0), process_id))

    def dead_letters(self, limit: int = 100, cursor: str | None = None) -> DeadLetterPage:
        last = [LAST_ID] if cursor is None else read_cursor(cursor, DEAD_LETTERS, 1)
        rows = self._db.connection.execute(
            "SELECT * FROM dead_letters WHERE id < ? ORDER BY id DESC LIMIT ?",
            (last[0], limit + 1),
        ).fetchall()
        next_cursor = write_cursor(DEAD_LETTERS, [rows[limit - 1]["id"]]) if len(rows) > limit else None
        return DeadLetterPage([_dead_letter_from_row(row) for row in rows[:limit]], next_cursor)

    def replay(self, id: str) -> None:
        with self._db.transaction("deliveries") as connection:
            self._require_dead_letter(id)
            connection.execute(
                "INSERT INTO deliveries (event_id, function, topic, bucket, data, attributes, published_at, visible_at)"
                " SELECT event_id, function, topic, bucket, data, attributes, published_at, ?"
                " FROM dead_letters WHERE id = ?",
                (_time_after(0), id),
            )
            connection.execute("DELETE FROM dead_letters WHERE id = ?", (id,))

    def discard(self, id: str) -> None:
        with self._db.transaction() as connection:
            self._require_dead_letter(id)
            connection.execute("DELETE FROM dead_letters WHERE id = ?", (id,))

    def _require_dead_letter(self, id: str) -> None:
        if not self._db.connection.execute("SELECT 1 FROM dead_letters WHERE id = ?", (id,)).fetchone():
            raise NotFound(f"there is no dead letter {id!r}")

    def depth(self) -> Counter[str]:
        rows = self._db.connection.execute("SELECT function, count(*) AS n FROM deliveries GROUP BY function")
        return Counter({row["function"]: row["n"] for row in rows})

    def wait_for_delivery(
        self, timeout_sec: float, functions: Sequence[str] | None = None, abandoned: Sequence[str] | None = None
    ) -> bool:
        """Sleep until `claim` of these functions may return a delivery, or `wake`; return False after `timeout_sec`."""
        deadline = time.monotonic() + timeout_sec
        wakes = self._db.change_marker()[1]
        while True:
            marker = self._db.change_marker()
            if self._first_visible(functions, abandoned) or marker[1] != wakes:
                return True
            remaining_sec = deadline - time.monotonic()
            if remaining_sec <= 0:
                return False
            if later := self._next_visible_at({*self._names(functions), *self._names(abandoned)}):
                remaining_sec = min(remaining_sec, (later - clock.steady_now()).total_seconds())
            self._db.wait_for_change(marker, max(0, remaining_sec), "deliveries")

    def wake(self) -> None:
        """End the sleep of this process's threads in `wait_for_delivery` and `wait_for_demand`."""
        self._db.wake("deliveries")

    def demand(self, functions: Sequence[str], abandoned: Sequence[str], limit: int) -> Demand:
        """Return how many deliveries workers of these functions could claim now, counted up to `limit`."""
        connection, now = self._db.connection, _time_after(0)
        counts = [
            connection.execute(
                f"SELECT count(*) AS n FROM (SELECT 1 FROM json_each(?) JOIN deliveries ON function = value"  # noqa: S608
                f" WHERE {leased} AND visible_at <= ? LIMIT ?)",
                (json.dumps(list(names)), now, limit),
            ).fetchone()["n"]
            for names, leased in ((functions, "NOT leased"), (abandoned, "leased"))
        ]
        return Demand(min(sum(counts), limit), self._next_visible_at({*functions, *abandoned}))

    def change_marker(self) -> ChangeMarker:
        """Return a marker for `wait_for_demand`; read it before the demand."""
        return self._db.change_marker()

    def wait_for_demand(self, marker: ChangeMarker, demands: Sequence[Demand], timeout_sec: float) -> None:
        """Sleep until demands may have changed since the marker: a delivery came, one is due now, or `wake`."""
        times = [demand.next_at for demand in demands if demand.next_at]
        if times:
            timeout_sec = min(timeout_sec, (min(times) - clock.steady_now()).total_seconds())
        self._db.wait_for_change(marker, max(0, timeout_sec), "deliveries")

    def busy_processes(self) -> Counter[int]:
        """Return the number of live leases of each process."""
        rows = self._db.connection.execute(
            "SELECT leased, count(*) AS n FROM deliveries WHERE leased AND visible_at > ? GROUP BY leased",
            (_time_after(0),),
        )
        return Counter({row["leased"]: row["n"] for row in rows})

    def _first_visible(self, functions: Sequence[str] | None, abandoned: Sequence[str] | None) -> sqlite3.Row | None:
        """Return what `claim` leases next."""
        names = json.dumps(self._names(functions))
        abandoned_names = names if abandoned is None else json.dumps(list(abandoned))
        execute, now = self._db.connection.execute, _time_after(0)
        first: sqlite3.Row | None = None
        for long in (True, False) if self._short_claims >= SHORT_IN_A_ROW else (False, True):
            first = first or execute(_NEXT, (long, now, names)).fetchone()
        left: sqlite3.Row | None = execute(_ABANDONED, (now, abandoned_names)).fetchone()
        return left if left and (first is None or left["visible_at"] < first["visible_at"]) else first

    def _next_visible_at(self, functions: Collection[str]) -> datetime | None:
        """Return when the next delivery of these functions becomes visible that is not visible yet."""
        parameters = (_time_after(0), json.dumps(list(functions)))
        time: str | None = self._db.connection.execute(_LATER, parameters).fetchone()[0]
        return decode_time(time) if time else None

    @staticmethod
    def _names(functions: Sequence[str] | None) -> list[str]:
        return list(wiring().functions) if functions is None else list(functions)

    def _update_leased(self, delivery: EventDelivery, change: str, *values: str) -> bool:
        """Change a delivery if its lease is still held: its count identifies the lease."""
        with self._db.transaction() as connection:
            return (
                connection.execute(
                    f"{change} WHERE id = ? AND count = ? AND leased", (*values, delivery.id, delivery.count)
                ).rowcount
                == 1
            )

    def _move_to_dead_letters(self, row: sqlite3.Row) -> None:
        with self._db.transaction() as connection:
            connection.execute(
                "INSERT INTO dead_letters"
                " (event_id, function, topic, bucket, data, attributes, published_at, count, died_at)"
                " SELECT event_id, function, topic, bucket, data, attributes, published_at, count, ?"
                " FROM deliveries WHERE id = ?",
                (_time_after(0), row["id"]),
            )
            connection.execute("DELETE FROM deliveries WHERE id = ?", (row["id"],))
            topic = wiring().dead_letter_topic
            if row["topic"] != topic:
                # Pub/Sub adds these attributes to what it forwards to a dead-letter topic.
                origin = {
                    "CloudPubSubDeadLetterSourceDeliveryCount": str(row["count"]),
                    "CloudPubSubDeadLetterSourceSubscription": row["function"],
                    "CloudPubSubDeadLetterSourceTopicPublishTime": row["published_at"],
                }
                self._bus.publish(topic, json.loads(row["data"]), json.loads(row["attributes"]) | origin)


def _time_after(seconds: float) -> str:
    """Return a time for `visible_at`, which changes of the system's clock do not move."""
    return encode_time(clock.steady_now() + timedelta(seconds=seconds))


def _delivery_from_row(row: sqlite3.Row, count: int) -> EventDelivery:
    return EventDelivery(
        id=row["id"],
        event_id=row["event_id"],
        function=row["function"],
        topic=row["topic"],
        bucket=row["bucket"],
        data=json.loads(row["data"]),
        attributes=json.loads(row["attributes"]),
        published_at=decode_time(row["published_at"]),
        count=count,
    )


def _dead_letter_from_row(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        id=str(row["id"]),
        function=row["function"],
        topic=row["topic"],
        bucket=row["bucket"],
        data=json.loads(row["data"]),
        attributes=json.loads(row["attributes"]),
        published_at=decode_time(row["published_at"]),
        died_at=decode_time(row["died_at"]),
        deliveries=row["count"],
    )
