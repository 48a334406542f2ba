"""Subscriptions made from the wiring table: pushes, backoff, dead letters, and storage events that wait."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.runtimes.emulated import provision
from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.runtimes.emulated.provision import provision_pubsub, pubsub_clients, push_subscription, push_topic
from infra.runtimes.emulated.storage.events import event_topic
from shared.wiring import wiring
from tests.contract.emulated import connect, received
from tests.patience import PATIENCE_SEC

DELIVERIES = 5
REFUSALS = 4


class Listener:
    """A function's server that refuses poison always and what is busy a few times, and counts what comes."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.changed = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"]
                name = message["attributes"]["name"]
                with listener.changed:
                    listener.counts[name] += 1
                    refuse = name == "poison" or (name.startswith("busy") and listener.counts[name] <= REFUSALS)
                    listener.changed.notify_all()
                self.send_response(500 if refuse else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def wait_for(self, name: str, times: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.counts[name] >= times, PATIENCE_SEC), self.counts


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_an_object_stored_before_anyone_listens_is_told_later(hosts: EmulatorHosts) -> None:
    """Videos that arrive while the functions still start are not forgotten, also once there is a topic for them."""
    objects = connect(hosts).objects
    objects.put("uploads", "early/source", b"x", "video/mp4")
    with pubsub_clients(hosts) as (publisher, _):
        publisher.create_topic(name=f"projects/{hosts.project}/topics/{event_topic('extract')}")
    objects.put("uploads", "later/source", b"x", "video/mp4")
    with received(hosts) as events:
        names = {events["extract"].get(timeout=PATIENCE_SEC).data["name"] for _ in range(2)}
    assert names == {"early/source", "later/source"}


def test_a_poison_message_ends_among_the_dead_letters(
    hosts: EmulatorHosts, listener: Listener, monkeypatch: Any
) -> None:
    """A message that no attempt can take is put aside after its deliveries, while the rest flows."""
    table = wiring()
    quick = table.functions["download"].model_copy(update={"deliveries": DELIVERIES})
    changed = table.model_copy(update={"functions": {"download": quick}})
    monkeypatch.setattr(provision, "wiring", lambda: changed)
    with pubsub_clients(hosts) as (_, subscriber):
        name = push_subscription(hosts, quick, listener.url)["name"]
        subscriber.delete_subscription(subscription=name)
        provision_pubsub(hosts, {"download": listener.url})
        bus = connect(hosts).bus
        bus.publish("video-requested", {}, {"name": "poison"})
        for n in range(3):
            bus.publish("video-requested", {}, {"name": f"good-{n}"})
            listener.wait_for(f"good-{n}", 1)
        listener.wait_for("poison", DELIVERIES)
        kept = f"projects/{hosts.project}/subscriptions/{table.dead_letter_topic}"
        (letter,) = subscriber.pull(subscription=kept, max_messages=10, timeout=PATIENCE_SEC).received_messages
    assert letter.message.attributes["name"] == "poison"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "download"
    assert listener.counts["poison"] == DELIVERIES


def test_all_that_is_refused_for_now_comes_back(hosts: EmulatorHosts, listener: Listener) -> None:
    """Events that have to wait for another delivery's lease are not lost, however many wait together."""
    provision_pubsub(hosts, {"analyze": listener.url})
    bus = connect(hosts).bus
    names = [f"busy-{n}" for n in range(20)]
    for name in names:
        bus.publish("transcript-completed", {}, {"name": name})
    for name in names:
        listener.wait_for(name, REFUSALS + 1)


def test_provisioning_again_moves_the_pushes(hosts: EmulatorHosts, listener: Listener) -> None:
    """Functions that come back on other ports after a restart get their messages there."""
    provision_pubsub(hosts, {"persist": "http://127.0.0.1:9"})
    provision_pubsub(hosts, {"persist": listener.url})
    connect(hosts).bus.publish("analysis-completed", {}, {"name": "moved"})
    listener.wait_for("moved", 1)


def test_subscriptions_say_what_the_table_says(hosts: EmulatorHosts) -> None:
    """Deadlines and deliveries come from the one table, within what Pub/Sub allows."""
    for function in wiring().functions.values():
        if push_topic(function) is None:
            assert function.trigger.http
            continue
        made = push_subscription(hosts, function, "http://127.0.0.1:1")
        assert made["ack_deadline_seconds"] == max(10, min(600, function.timeout_sec))
        assert made["dead_letter_policy"]["max_delivery_attempts"] == max(5, min(100, function.deliveries))
        assert ("no_wrapper" in made["push_config"]) == bool(function.trigger.bucket)
