"""A worker in a process of its own that dies between two stages: `python -m tests.chaos.handover_worker DATA`.

It takes one delivery of `extract`. As soon as that stage is done and the next one is reserved, it kills itself.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from infra.runtimes.embedded.workers import handle_delivery
from shared import clock
from shared.platform.embedded.bus import EventDelivery, Handover, SqliteBus
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.platform.embedded.place import open_embedded_place
from shared.platform.place import use_place
from shared.settings import settings


class DyingQueue(LeaseQueue):
    def handed_over(self, handover: Handover | None) -> EventDelivery | None:
        assert super().handed_over(handover)
        die()


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main(data: Path) -> None:
    os.environ |= {"CLIPWISE_PLACE": "embedded", "CLIPWISE_DATA": str(data), "AI_PROVIDER": "offline"}
    clock.start_steady_clock(os.environ)
    place = open_embedded_place(settings())
    bus = place.place.bus
    assert isinstance(bus, SqliteBus)
    queue = DyingQueue(place.database, bus)
    with use_place(place.place):
        delivery = queue.claim(["extract"])
        assert delivery is not None
        handle_delivery(queue, delivery)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
