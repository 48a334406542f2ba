"""The order in which deliveries are claimed: users take turns, and short work comes before long work.

Start-time fair queueing (P. Goyal, H. Vin, H. Cheng, Start-time Fair Queuing, 1996) with equal costs: a delivery gets a
number, its turn. The first one of a user gets that of whoever is next; each further one, the next number after the
user's last. So a thousand jobs of one user stand between another user's first job and its start with one job at most.
Everything is read from the queue itself, so nothing has to be kept or repaired.

Pools of functions that run on the same workers share their turns. In each pool, long work has turns of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.wiring import CRAWL, Function, wiring

LONG_VIDEO_SEC = 600
"""A video of this duration keeps a worker busy for minutes."""
LONG_FILE_BYTES = 200_000_000
"""The same, for a file whose duration is not known yet."""
LONG_FUNCTIONS = frozenset({CRAWL, "validate", "export"})
"""Functions whose deliveries each work on many images."""
SHORT_IN_A_ROW = 3
"""Number of short deliveries that one worker process claims before a long one that waits."""
# Of each function, the first that is visible, by index.
_NEXT = """
    SELECT min((SELECT turn FROM deliveries
        WHERE function = value AND long = :long AND NOT leased AND visible_at <= :now ORDER BY turn, id LIMIT 1))
    FROM json_each(:pool)
"""
_LAST_LEASED = "SELECT max(turn) FROM json_each(:pool) JOIN deliveries ON function = value AND leased AND long = :long"
_LAST_OF_OWNER = """
    SELECT max((SELECT max(turn) FROM deliveries WHERE owner = :owner AND long = :long AND function = value))
    FROM json_each(:pool)
"""
_JOB = """
    SELECT json_extract(data, '$.owner') AS owner, json_extract(data, '$.video.info.durationSec') AS sec,
        json_extract(data, '$.upload.size') AS size
    FROM documents WHERE collection = 'jobs' AND id = ?
"""
_OF_JOB = """
    SELECT turn FROM json_each(:pool) JOIN deliveries ON function = value AND leased AND long = :long AND job = :job
"""


@dataclass(frozen=True)
class Turn:
    """What decides when a delivery is claimed.

    Attributes:
        job: The job it belongs to; "" if it belongs to none.
        owner: The user of the job; "" for the system.
        is_long: Whether it keeps a worker busy for minutes.
        number: Lower numbers come first.
    """

    job: str
    owner: str
    is_long: bool
    number: int


def assign_turn(connection: sqlite3.Connection, function: Function, data: Mapping[str, Any], now: str) -> Turn:
    """Return the turn of a new delivery, in the transaction that stores it.

    Args:
        data: The message, or the object's resource.
        now: The time by which deliveries are visible.
    """
    job = str(data.get("jobId") or str(data.get("name", "")).partition("/")[0])
    owner, is_long = "", function.name in LONG_FUNCTIONS
    row = connection.execute(_JOB, (job,)).fetchone()
    if row:
        owner = str(row["owner"] or "")
        is_short = row["sec"] < LONG_VIDEO_SEC if row["sec"] else (row["size"] or 0) < LONG_FILE_BYTES
        is_long = is_long or not is_short
    values = {"pool": _pool_of(function.cpu_bound), "long": is_long, "now": now, "owner": owner, "job": job}

    def read(sql: str) -> int | None:
        row = connection.execute(sql, values).fetchone()
        return row[0] if row else None

    # The next stage of a job keeps its turn, before the user's next job begins. Parts of a stage are many.
    number = read(_OF_JOB) if job and "part" not in data else None
    if number is None:
        next_turn = read(_NEXT)
        if next_turn is None:
            next_turn = read(_LAST_LEASED) or 0
        last_of_owner = read(_LAST_OF_OWNER)
        number = next_turn if last_of_owner is None else max(next_turn, last_of_owner + 1)
    return Turn(job, owner, is_long, number)


@lru_cache(maxsize=2)
def _pool_of(cpu_bound: bool) -> str:
    """Return the names of the functions that run on the same workers, as JSON."""
    return json.dumps([row.name for row in wiring().functions.values() if row.cpu_bound == cpu_bound])
