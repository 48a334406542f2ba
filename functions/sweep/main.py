"""Recovers stuck jobs, deletes expired data and counts ended jobs, once a minute.

Triggered by: topic `sweep-tick`, from the scheduler, and from itself for each shard while more than a page is due.
Reads: jobs and deliveries whose wake time has come, jobs whose source has expired or that ended, deleted jobs and
accounts. Writes: these jobs, statistics; deletes old sources, the data of deleted accounts, images of deleted
datasets. Triggers: any stage whose event was lost; itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import functions_framework
from cloudevents.http import CloudEvent

from shared.datasets.store import continue_erasures, user_of
from shared.library.deletion import erase_departed_users
from shared.models.events import message_of
from shared.pipeline.deadline import Deadline
from shared.pipeline.statistics import count_ended_jobs
from shared.pipeline.sweep import sweep as sweep_jobs
from shared.pipeline.sweep import sweep_shard
from shared.pipeline.sweep_scope import RUN_SEC, run_steps
from shared.platform.place import current_place

log = logging.getLogger(__name__)
_running: set[int | None] = set()
_lock = threading.Lock()


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    """Run all steps, or those for one shard. A tick that arrives while the same work runs here is acknowledged."""
    shard = message_of(event).get("shard")
    place, deadline = current_place(), Deadline(RUN_SEC)
    with only_run(shard) as is_free:
        if not is_free:
            log.info("an earlier tick is still at work")
        elif shard is not None:
            sweep_shard(place, shard, deadline)
        else:
            run_steps(
                partial(sweep_jobs, place, deadline),
                partial(erase_departed_users, place),
                partial(continue_erasures, place),
                partial(count_ended_jobs, place.documents, partial(user_of, place.documents), deadline),
            )


@contextmanager
def only_run(shard: int | None) -> Iterator[bool]:
    """Yield whether no other thread of this process sweeps this shard, or None for all, until the context ends."""
    with _lock:
        is_free = shard not in _running
        _running.add(shard)
    try:
        yield is_free
    finally:
        if is_free:
            with _lock:
                _running.discard(shard)
