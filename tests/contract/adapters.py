"""The adapters that the contract suite runs over. A new place joins by adding its factory to `ADAPTERS`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cloudevents.http import CloudEvent

from shared.platform.embedded.bus import to_cloud_event
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Place
from shared.settings import Settings
from tests.contract.emulated import connect, decoded, received, running_emulators
from tests.contract.served import served
from tests.patience import PATIENCE_SEC


@dataclass(frozen=True)
class Adapter:
    """A platform and the receiving end of its events.

    Attributes:
        receive: Waits for the next event on its way to a function, acknowledges it and returns it.
        frontend: A web origin that was configured as a frontend.
    """

    platform: Place
    receive: Callable[[str], CloudEvent]
    frontend: str = "https://app.example"


@contextmanager
def embedded(folder: Path) -> Iterator[Adapter]:
    chosen = Settings(clipwise_data=folder / "data", frontend_url=Adapter.frontend)
    storage = open_embedded_place(chosen)
    with served(storage.storage_app(), "/storage") as url:
        place = open_embedded_place(replace(chosen, public_url=url))

        def receive(function: str) -> CloudEvent:
            deadline = time.monotonic() + PATIENCE_SEC
            while (delivery := place.queue.claim([function], PATIENCE_SEC)) is None:
                assert place.queue.wait_for_delivery(deadline - time.monotonic(), [function]), (
                    f"no event came for {function}"
                )
            place.queue.acknowledge(delivery)
            return to_cloud_event(delivery)

        yield Adapter(place.place, receive)


@contextmanager
def gcp(folder: Path) -> Iterator[Adapter]:
    with running_emulators(folder, Adapter.frontend) as hosts, received(hosts) as events:

        def receive(function: str) -> CloudEvent:
            return decoded(events[function].get(timeout=PATIENCE_SEC))

        yield Adapter(connect(hosts), receive)


ADAPTERS: dict[str, Callable[[Path], AbstractContextManager[Adapter]]] = {"embedded": embedded, "gcp": gcp}
