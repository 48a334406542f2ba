"""The bus: what is published reaches the functions that listen."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cloudevents.http import CloudEvent

from shared.errors import NotFound
from shared.platform.ports import Bus
from shared.wiring import wiring
from tests.contract.adapters import Adapter

TOPICS = sorted({function.trigger.topic for function in wiring().functions.values() if function.trigger.topic})


def content(event: CloudEvent) -> dict[str, object]:
    decoded: dict[str, object] = json.loads(base64.b64decode(event.data["message"]["data"]))
    return decoded


def receive(adapter: Adapter, function: str, id: str) -> CloudEvent:
    """The event with this id; those of other tests are passed over."""
    while (event := adapter.receive(function)).data["message"]["messageId"] != id:
        pass
    return event


@pytest.mark.parametrize("topic", TOPICS)
def test_a_message_reaches_every_function_that_listens(adapter: Adapter, bus: Bus, topic: str) -> None:
    """A stage's message sets off the stages that follow it, as the event they get in the cloud."""
    id = bus.publish(topic, {"jobId": "ü", "n": [1, None, 2.5]}, {"eventId": "e1", "traceparent": "00-ab"})
    for function in wiring().listeners(topic=topic):
        event = receive(adapter, function.name, id)
        assert event["type"] == "google.cloud.pubsub.topic.v1.messagePublished"
        assert event["source"].startswith("//pubsub.googleapis.com/projects/")
        assert event["source"].endswith(f"/topics/{topic}")
        assert event["id"] == id
        assert content(event) == {"jobId": "ü", "n": [1, None, 2.5]}
        attributes = event.data["message"]["attributes"]
        assert (attributes["eventId"], attributes["traceparent"]) == ("e1", "00-ab")
        published = datetime.fromisoformat(event.data["message"]["publishTime"])
        assert abs(datetime.now(UTC) - published) < timedelta(minutes=1)


def test_messages_have_ids_of_their_own(adapter: Adapter, bus: Bus) -> None:
    """Two messages alike are two messages."""
    topic = TOPICS[0]
    ids = [bus.publish(topic, {"n": 1}) for _ in range(3)]
    assert len(set(ids)) == 3
    function = wiring().listeners(topic=topic)[0].name
    seen: set[str] = set()
    while not seen.issuperset(ids):
        seen.add(adapter.receive(function).data["message"]["messageId"])


def test_an_unknown_topic_is_an_error(bus: Bus) -> None:
    """A message to a mistyped topic is not lost in silence."""
    with pytest.raises(NotFound):
        bus.publish("no-such-topic", {})


def test_the_dead_letter_topic_takes_messages_that_nobody_listens_to(bus: Bus) -> None:
    """Reporting a failed job never fails itself."""
    assert bus.publish(wiring().dead_letter_topic, {"jobId": "a"})
