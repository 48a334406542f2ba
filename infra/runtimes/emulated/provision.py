"""Creates topics and push subscriptions on the Pub/Sub emulator from the wiring table, as Terraform does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.runtimes.emulated.storage.events import event_topic
from shared.wiring import Function, wiring

# Pub/Sub's limits; the second is of deliveries before a message goes to the dead-letter topic.
ACK_SEC = (10, 600)
DELIVERY_ATTEMPTS = (5, 100)


def provision_pubsub(hosts: EmulatorHosts, endpoints: Mapping[str, str]) -> None:
    """Create all topics, the subscription `dead-letter`, and a push subscription for each function in `endpoints`.

    A subscription has its function's name. Another run moves the subscriptions to the new endpoints. Buckets need no
    setup: the storage emulator serves those of the wiring table.

    Args:
        endpoints: Base URL of each function's server, such as `http://127.0.0.1:9001`.
    """
    table = wiring()
    topics = {topic for function in table.functions.values() if (topic := push_topic(function))}
    dead_letters = table.dead_letter_topic
    with pubsub_clients(hosts) as (publisher, subscriber):
        for topic in sorted(topics | {dead_letters}):
            _create_if_missing(publisher.create_topic, name=_resource_path(hosts, "topics", topic))
        dead_letter_request = {
            "name": _resource_path(hosts, "subscriptions", dead_letters),
            "topic": _resource_path(hosts, "topics", dead_letters),
        }
        _create_if_missing(subscriber.create_subscription, **dead_letter_request)
        for name, endpoint in endpoints.items():
            request = push_subscription(hosts, table.functions[name], endpoint)
            if not _create_if_missing(subscriber.create_subscription, **request):
                endpoint_change = {"subscription": request["name"], "push_config": request["push_config"]}
                subscriber.modify_push_config(request=endpoint_change)


def push_topic(function: Function) -> str | None:
    """Return the topic whose messages are pushed to the function; None for one that is called over HTTP."""
    if function.trigger.bucket:
        return event_topic(function.name)
    return function.trigger.topic


def push_subscription(hosts: EmulatorHosts, function: Function, endpoint: str) -> dict[str, Any]:
    """Build the push subscription of a function.

    functions-framework reads a message's topic from the endpoint's path. A storage event needs none: it is pushed as
    published, with its attributes as headers, which is a CloudEvent in binary mode.

    It has no retry policy, so that rejected messages are redelivered after a second: with one, the emulator (0.8.20)
    stops all redeliveries of a subscription while two of its messages wait (docs/decisions/no-backoff.md).
    """
    topic = push_topic(function)
    assert topic is not None, f"{function.name} listens to no topic"  # noqa: S101 (an error of the caller)
    path = _resource_path(hosts, "topics", topic)
    push: dict[str, Any] = {"push_endpoint": f"{endpoint}/{path}"}
    if function.trigger.bucket:
        push |= {"push_endpoint": endpoint, "no_wrapper": {"write_metadata": True}}
    return {
        "name": _resource_path(hosts, "subscriptions", function.name),
        "topic": path,
        "push_config": push,
        "ack_deadline_seconds": _clamp(function.timeout_sec, ACK_SEC),
        "dead_letter_policy": {
            "dead_letter_topic": _resource_path(hosts, "topics", wiring().dead_letter_topic),
            "max_delivery_attempts": _clamp(function.deliveries, DELIVERY_ATTEMPTS),
        },
    }


def _clamp(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], value))


def _resource_path(hosts: EmulatorHosts, kind: str, name: str) -> str:
    return f"projects/{hosts.project}/{kind}/{name}"


def _create_if_missing(create: Any, **request: Any) -> bool:
    """Return False if it exists already."""
    try:
        create(request=request)
    except exceptions.AlreadyExists:
        return False
    return True


@contextmanager
def pubsub_clients(hosts: EmulatorHosts) -> Iterator[tuple[PublisherClient, SubscriberClient]]:
    """Yield clients of the emulator in `hosts`, ignoring the environment."""
    with grpc.insecure_channel(hosts.pubsub) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        yield publisher, SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
