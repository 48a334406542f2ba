"""Subscriptions made from the wiring table: pushes, backoff, dead letters, and storage events that wait."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.emulated import provision as provisioning
from infra.emulated.emulators import Hosts
from infra.emulated.provision import clients, provision, pushed_topic, subscription
from shared.pipeline.wiring import Backoff, wiring
from tests.contract.emulated import connect, received

DELIVERIES = 5


class Listener:
    """A function's server that refuses what is poison and counts what comes."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.changed = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"]
                name = message["attributes"]["name"]
                with listener.changed:
                    listener.seen[name] += 1
                    listener.changed.notify_all()
                self.send_response(500 if name == "poison" else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def wait_for(self, name: str, times: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen[name] >= times, 20), self.seen


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_an_object_stored_before_anyone_listens_is_told_later(hosts: Hosts) -> None:
    """A video that arrives while the functions still start is not forgotten."""
    connect(hosts).objects.put("uploads", "early/source", b"x", "video/mp4")
    with received(hosts) as events:
        assert events["extract"].get(timeout=20).data["name"] == "early/source"


def test_a_poison_message_ends_among_the_dead_letters(hosts: Hosts, listener: Listener, monkeypatch: Any) -> None:
    """A message that no attempt can take is put aside after its deliveries, while the rest flows."""
    table = wiring()
    quick = table.functions["download"].model_copy(
        update={"deliveries": DELIVERIES, "backoff_sec": Backoff(min=0.1, max=0.2)}
    )
    changed = table.model_copy(update={"functions": {"download": quick}})
    monkeypatch.setattr(provisioning, "wiring", lambda: changed)
    with clients(hosts) as (_, subscriber):
        name = subscription(hosts, quick, listener.url)["name"]
        subscriber.delete_subscription(subscription=name)
        provision(hosts, {"download": listener.url})
        bus = connect(hosts).bus
        bus.publish("video-requested", {}, {"name": "poison"})
        for n in range(3):
            bus.publish("video-requested", {}, {"name": f"good-{n}"})
            listener.wait_for(f"good-{n}", 1)
        listener.wait_for("poison", DELIVERIES)
        kept = f"projects/{hosts.project}/subscriptions/{table.dead_letter_topic}"
        (letter,) = subscriber.pull(subscription=kept, max_messages=10, timeout=20).received_messages
    assert letter.message.attributes["name"] == "poison"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "download"
    assert listener.seen["poison"] == DELIVERIES


def test_provisioning_again_moves_the_pushes(hosts: Hosts, listener: Listener) -> None:
    """Functions that come back on other ports after a restart get their messages there."""
    provision(hosts, {"persist": "http://127.0.0.1:9"})
    provision(hosts, {"persist": listener.url})
    connect(hosts).bus.publish("analysis-completed", {}, {"name": "moved"})
    listener.wait_for("moved", 1)


def test_subscriptions_say_what_the_table_says(hosts: Hosts) -> None:
    """Deadlines, backoff and deliveries come from the one table, within what Pub/Sub allows."""
    for function in wiring().functions.values():
        if pushed_topic(function) is None:
            assert function.trigger.http
            continue
        made = subscription(hosts, function, "http://127.0.0.1:1")
        assert made["ack_deadline_seconds"] == max(10, min(600, function.timeout_sec))
        assert made["dead_letter_policy"]["max_delivery_attempts"] == max(5, min(100, function.deliveries))
        assert function.backoff_sec is not None
        assert made["retry_policy"]["minimum_backoff"].total_seconds() == function.backoff_sec.min
        assert made["retry_policy"]["maximum_backoff"].total_seconds() == function.backoff_sec.max
        assert ("no_wrapper" in made["push_config"]) == bool(function.trigger.bucket)
