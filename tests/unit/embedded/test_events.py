"""Events are exactly those that the functions host makes of the cloud's requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import functions_framework
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

from shared.platform.embedded.bus import object_resource, to_cloud_event
from shared.platform.embedded.place import EmbeddedPlace
from shared.platform.ports import ObjectInfo


def handed_over(path: str, headers: dict[str, str], **body: Any) -> CloudEvent:
    """What a function gets when this request reaches the functions host."""
    events: list[CloudEvent] = []
    view = functions_framework._cloud_event_view_func_wrapper(events.append, _request(path, headers, body))
    view(path)
    return events[0]


def _request(path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
    from flask import Request
    from werkzeug.test import EnvironBuilder

    return Request(EnvironBuilder(path, method="POST", headers=headers, **body).get_environ())


def test_a_message_is_what_a_push_subscription_would_bring(place: EmbeddedPlace) -> None:
    """A function that works on one machine works with Pub/Sub: its event is the same, attribute by attribute."""
    place.place.bus.publish("video-requested", {"jobId": "ü"}, {"eventId": "1"})
    delivery = place.queue.claim()
    assert delivery
    event = to_cloud_event(delivery)
    push = {
        "message": {key: event.data["message"][key] for key in ("data", "messageId", "publishTime", "attributes")},
        "subscription": event.data["subscription"],
    }
    cloud = handed_over("/projects/clipwise/topics/video-requested", {}, json=push)
    # The host adds a type to what it converts; Eventarc's own events have none.
    cloud.data["message"].pop("@type")
    assert event.get_attributes() == cloud.get_attributes()
    assert event.data["message"] == cloud.data["message"]


def test_an_event_survives_the_way_over_http(place: EmbeddedPlace) -> None:
    """A storage event with any name can be sent as Eventarc sends it, and is the same when it arrives."""
    place.place.objects.put("uploads", "jobs/ü 😀/source", b"12345", "video/mp4", {"k": "v"})
    delivery = place.queue.claim()
    assert delivery
    event = to_cloud_event(delivery)
    headers, body = to_binary(event)
    cloud = handed_over("/", {**headers, "Content-Type": "application/json"}, data=body)
    assert cloud.data == event.data
    assert cloud["type"] == "google.cloud.storage.object.v1.finalized"
    assert cloud["source"] == "//storage.googleapis.com/projects/_/buckets/uploads"


def test_an_object_is_described_as_in_the_json_api() -> None:
    """Numbers of 64 bits are strings, times end in Z."""
    time = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    info = ObjectInfo("uploads", "a/b", 5, "video/mp4", 7, time, {"k": "v"})
    assert object_resource(info) == {
        "kind": "storage#object",
        "id": "uploads/a/b/7",
        "name": "a/b",
        "bucket": "uploads",
        "generation": "7",
        "metageneration": "1",
        "contentType": "video/mp4",
        "size": "5",
        "timeCreated": "2026-01-02T03:04:05.678Z",
        "updated": "2026-01-02T03:04:05.678Z",
        "metadata": {"k": "v"},
    }
