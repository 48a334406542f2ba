"""The durable queue: leases, backoff, dead letters, waiting."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared import wiring as table
from shared.errors import NotFound
from shared.platform.embedded import bus
from shared.platform.embedded import lease_queue as queue
from shared.platform.embedded.lease_queue import LeaseQueue
from shared.platform.embedded.place import EmbeddedPlace
from shared.wiring import Wiring, wiring
from tests.unit.embedded.conftest import Clock, reopen
from tests.unit.embedded.processes import at_once

TOPIC = "video-requested"
FUNCTION = "download"


def publish(place: EmbeddedPlace, n: int = 0) -> str:
    return place.place.bus.publish(TOPIC, {"n": n}, {"k": "v"})


@pytest.fixture
def changed_wiring(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts another table in place of the wiring: changes to functions, and functions to add."""

    def change(rows: dict[str, dict[str, Any]]) -> Wiring:
        functions = dict(wiring().functions)
        for name, row in rows.items():
            known = functions.get(name, functions[FUNCTION])
            functions[name] = known.model_validate(known.model_dump() | {"name": name} | row)
        changed = table.wiring().model_copy(update={"functions": functions})
        for module in (bus, queue):
            monkeypatch.setattr(module, "wiring", lambda: changed)
        return changed

    return change


def test_a_delivery_tells_what_was_published(place: EmbeddedPlace) -> None:
    """A worker gets the message, its attributes, and how often it came."""
    id = publish(place, 7)
    delivery = place.queue.claim([FUNCTION])
    assert delivery is not None
    assert (delivery.event_id, delivery.function, delivery.topic, delivery.bucket) == (id, FUNCTION, TOPIC, None)
    assert (delivery.data, delivery.attributes, delivery.count) == ({"n": 7}, {"k": "v"}, 1)


def test_a_taken_delivery_is_seen_by_nobody_else(place: EmbeddedPlace) -> None:
    """Two workers do not start on the same job."""
    publish(place)
    assert place.queue.claim()
    assert place.queue.claim() is None


def test_an_acknowledged_delivery_never_comes_back(place: EmbeddedPlace, time: Clock) -> None:
    """What is done is done."""
    publish(place)
    delivery = place.queue.claim()
    assert delivery
    assert place.queue.acknowledge(delivery)
    assert not place.queue.acknowledge(delivery)
    time.move(10_000)
    assert place.queue.claim() is None
    assert place.queue.depth() == Counter()


def test_the_oldest_comes_first_to_those_who_serve_it(place: EmbeddedPlace) -> None:
    """Jobs are worked on in the order they came, and no worker gets what it does not serve."""
    for n in range(3):
        publish(place, n)
    place.place.bus.publish("analysis-completed", {"n": 9})
    assert place.queue.claim(["analyze"]) is None
    assert place.queue.claim([]) is None
    order = [place.queue.claim([FUNCTION, "persist"]) for _ in range(4)]
    assert [delivery and delivery.data["n"] for delivery in order] == [0, 1, 2, 9]


def test_a_lease_that_ends_makes_the_delivery_visible_again(place: EmbeddedPlace, time: Clock) -> None:
    """When a worker dies, another one takes over."""
    publish(place)
    first = place.queue.claim(lease_sec=10)
    time.move(9.9)
    assert place.queue.claim() is None
    time.move(0.2)
    second = place.queue.claim(lease_sec=10)
    assert first
    assert second
    assert (first.id, first.count, second.count) == (second.id, 1, 2)


def test_who_lost_the_lease_changes_nothing(place: EmbeddedPlace, time: Clock) -> None:
    """A worker that was only slow cannot finish, hold or return what another one works on now."""
    publish(place)
    slow = place.queue.claim(lease_sec=10)
    time.move(11)
    fast = place.queue.claim(lease_sec=10)
    assert slow
    assert fast
    assert not place.queue.acknowledge(slow)
    assert not place.queue.extend_lease(slow, 1000)
    assert not place.queue.refuse(slow, 0)
    assert place.queue.claim() is None
    assert place.queue.refuse(fast, 0)
    assert not place.queue.refuse(fast, 1000)
    assert not place.queue.acknowledge(fast)
    assert place.queue.claim()


def test_who_is_late_but_still_the_last_may_finish(place: EmbeddedPlace, time: Clock) -> None:
    """Work is not done twice when nobody else has begun."""
    publish(place)
    delivery = place.queue.claim(lease_sec=10)
    time.move(60)
    assert delivery
    assert place.queue.acknowledge(delivery)
    assert place.queue.claim() is None


def test_extending_holds_the_delivery(place: EmbeddedPlace, time: Clock) -> None:
    """A long video is not given to a second worker while the first one shows signs of life."""
    publish(place)
    delivery = place.queue.claim(lease_sec=10)
    assert delivery
    for _ in range(5):
        time.move(9)
        assert place.queue.extend_lease(delivery, 10)
    assert place.queue.claim() is None


def test_refusals_come_back_later_and_later(place: EmbeddedPlace, time: Clock) -> None:
    """A source that is down is asked again after 2, 4, 8 … up to 120 seconds, give or take a quarter."""
    publish(place)
    for expected in (2, 4, 8, 16, 32, 64, 120, 120):
        delivery = place.queue.claim([FUNCTION])
        assert delivery
        assert place.queue.refuse(delivery)
        time.move(expected * 0.74)
        assert place.queue.claim([FUNCTION]) is None
        time.move(expected * 0.52)


def test_a_refusal_may_name_its_delay(place: EmbeddedPlace, time: Clock) -> None:
    """Who knows when to come back is asked then."""
    publish(place)
    delivery = place.queue.claim()
    assert delivery
    place.queue.refuse(delivery, 5)
    time.move(4.9)
    assert place.queue.claim() is None
    time.move(0.2)
    assert place.queue.claim()


def test_after_its_last_delivery_a_message_is_a_dead_letter(
    place: EmbeddedPlace, time: Clock, changed_wiring: Any
) -> None:
    """A message that no one can work on ends where a person finds it, and is told to whoever listens for that."""
    changed_wiring({FUNCTION: {"deliveries": 3}, "mourn": {"trigger": {"topic": wiring().dead_letter_topic}}})
    publish(place, 7)
    for _ in range(3):
        delivery = place.queue.claim([FUNCTION])
        assert delivery
        place.queue.refuse(delivery)
        time.move(1000)
    assert place.queue.claim([FUNCTION]) is None
    page = place.queue.dead_letters()
    (letter,) = page.letters
    assert (letter.function, letter.deliveries) == (FUNCTION, 3)
    assert (letter.data, letter.topic, page.cursor) == ({"n": 7}, TOPIC, None)
    told = place.queue.claim(["mourn"])
    assert told
    assert told.data == {"n": 7}
    assert told.attributes["k"] == "v"
    assert told.attributes["CloudPubSubDeadLetterSourceSubscription"] == FUNCTION
    assert told.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "3"


def test_a_message_that_kills_its_workers_is_given_up_too(
    place: EmbeddedPlace, time: Clock, changed_wiring: Any
) -> None:
    """A video that crashes whoever opens it does not do so for ever."""
    changed_wiring({FUNCTION: {"deliveries": 2}})
    publish(place, 1)
    publish(place, 2)
    taken = []
    for _ in range(4):
        delivery = place.queue.claim([FUNCTION], lease_sec=1)
        taken.append(delivery and delivery.data["n"])
        time.move(2)
    assert taken == [1, 2, 1, 2]
    assert place.queue.claim([FUNCTION]) is None
    assert [letter.data["n"] for letter in place.queue.dead_letters().letters] == [2, 1]


def test_dead_letters_about_dead_letters_end(place: EmbeddedPlace, changed_wiring: Any) -> None:
    """A broken listener on the dead letters does not go round in circles."""
    changed_wiring({"mourn": {"trigger": {"topic": wiring().dead_letter_topic}, "deliveries": 1}})
    place.place.bus.publish(wiring().dead_letter_topic, {})
    delivery = place.queue.claim(["mourn"])
    assert delivery
    place.queue.refuse(delivery)
    assert place.queue.depth() == Counter()
    assert len(place.queue.dead_letters().letters) == 1


def test_dead_letters_come_in_pages(place: EmbeddedPlace, changed_wiring: Any) -> None:
    """A person can look through thousands."""
    changed_wiring({FUNCTION: {"deliveries": 1}})
    for n in range(5):
        publish(place, n)
        delivery = place.queue.claim()
        assert delivery
        place.queue.refuse(delivery)
    seen, cursor = [], None
    while True:
        page = place.queue.dead_letters(2, cursor)
        seen += [letter.data["n"] for letter in page.letters]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [4, 3, 2, 1, 0]


def test_a_dead_letter_is_replayed_or_discarded(place: EmbeddedPlace, changed_wiring: Any) -> None:
    """After a repair, an operator has the event delivered again with all its attempts, or deletes it."""
    changed_wiring({FUNCTION: {"deliveries": 1}})
    for n in range(2):
        publish(place, n)
        delivery = place.queue.claim()
        assert delivery
        place.queue.refuse(delivery)
    second, first = place.queue.dead_letters().letters
    place.queue.discard(second.id)
    place.queue.replay(first.id)
    assert place.queue.dead_letters().letters == []
    delivery = place.queue.claim()
    assert delivery
    assert (delivery.data, delivery.count, delivery.function) == ({"n": 0}, 1, FUNCTION)
    place.queue.acknowledge(delivery)
    for change in (place.queue.replay, place.queue.discard):
        with pytest.raises(NotFound):
            change(first.id)


def test_each_listener_gets_its_own_copy(place: EmbeddedPlace, changed_wiring: Any) -> None:
    """Two functions that listen to one topic do not take each other's messages."""
    changed_wiring({"second": {"trigger": {"topic": TOPIC}}})
    id = publish(place)
    for function in (FUNCTION, "second"):
        delivery = place.queue.claim([function])
        assert delivery
        assert delivery.event_id == id
        assert place.queue.acknowledge(delivery)
    assert place.queue.depth() == Counter()


def test_a_new_server_frees_what_the_old_one_held(place: EmbeddedPlace, tmp_path: Path) -> None:
    """After a restart nobody waits for the leases of the dead, and the restart costs no attempt."""
    publish(place)
    assert place.queue.claim(lease_sec=1000)
    again = reopen(tmp_path)
    again.queue.release_all()
    delivery = again.queue.claim()
    assert delivery
    assert delivery.count == 1


def test_depth_counts_what_is_not_done(place: EmbeddedPlace) -> None:
    """The operator sees how much waits for whom."""
    publish(place)
    publish(place)
    place.place.bus.publish("analysis-completed", {})
    place.queue.claim([FUNCTION])
    assert place.queue.depth() == Counter({FUNCTION: 2, "persist": 1})


def test_nothing_to_do_is_waited_for_in_vain(place: EmbeddedPlace) -> None:
    """A wait without work ends when its time is over."""
    assert not place.queue.wait_for_delivery(0.01)
    publish(place)
    assert not place.queue.wait_for_delivery(0.01, ["extract"])
    assert place.queue.wait_for_delivery(0.01)
    assert place.queue.wait_for_delivery(0.01, [FUNCTION])


def test_a_wait_ends_when_a_delay_is_over(place: EmbeddedPlace) -> None:
    """A refused message is taken up when its time has come, though nothing else happens."""
    publish(place)
    delivery = place.queue.claim()
    assert delivery
    place.queue.refuse(delivery, 0.1)
    assert place.queue.wait_for_delivery(60)
    assert place.queue.claim()


def test_a_message_of_another_process_ends_the_wait(place: EmbeddedPlace, tmp_path: Path) -> None:
    """A worker process starts when the API process has published."""
    publisher = threading.Thread(target=lambda: publish(reopen(tmp_path)))
    waited: list[bool] = []
    waiter = threading.Thread(target=lambda: waited.append(place.queue.wait_for_delivery(60, [FUNCTION])))
    waiter.start()
    publisher.start()
    waiter.join()
    publisher.join()
    assert waited == [True]


def drain(queue: LeaseQueue) -> list[int]:
    seen = []
    while delivery := queue.claim([FUNCTION], 600):
        seen.append(delivery.data["n"])
        queue.acknowledge(delivery)
    return seen


def test_many_threads_and_processes_take_each_message_once(place: EmbeddedPlace, tmp_path: Path) -> None:
    """However many workers there are, each message goes to one of them."""
    for n in range(300):
        publish(place, n)
    code = (
        "import sys, pathlib\n"
        "from tests.unit.embedded.conftest import reopen\n"
        "from tests.unit.embedded.test_queue import drain\n"
        "queue = reopen(pathlib.Path(sys.argv[1])).queue\n"
        "print(flush=True); sys.stdin.read()\n"
        "print(*drain(queue))"
    )
    with at_once([code, str(tmp_path)], 2) as processes, ThreadPoolExecutor(4) as pool:
        seen = [n for part in pool.map(lambda _: drain(place.queue), range(4)) for n in part]
        for process in processes:
            assert process.stdout
            seen += map(int, process.stdout.read().split())
    assert sorted(seen) == list(range(300))
