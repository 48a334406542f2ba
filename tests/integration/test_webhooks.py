"""From the end of a real job to a user's server, on either local place, and across the death of whoever tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra.runtimes.emulated.emulators import EmulatorHosts
from shared import clock
from shared.errors import Conflict
from shared.platform.embedded.place import open_embedded_place
from shared.platform.ports import Place
from shared.settings import read_settings
from shared.webhooks.deliveries import DELIVERIES
from tests.contract.emulated import connect, need_emulators
from tests.integration.sites import OPTIONS
from tests.server import Server, eventually, kill_function, serving
from tests.unit.webhooks.verifying import verify
from tests.webhook_receiver import Receiver, receiving, silence, status


@pytest.fixture(scope="module")
def listener() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture(scope="module", params=sorted(OPTIONS))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Receiver
) -> Iterator[Server]:
    if request.param == "emulated":
        need_emulators()
    data = tmp_path_factory.mktemp("webhooks") / request.param
    with serving(data, *OPTIONS[request.param], ALLOW_HOSTS=listener.address) as server:
        yield server


@pytest.fixture
def receiver(server: Server, listener: Receiver) -> Iterator[Receiver]:
    """It has heard nothing yet, and nobody tells it anything after the test."""
    listener.requests.clear()
    yield listener
    with server.client() as client:
        for webhook in client.get("/v1/webhooks").json()["webhooks"]:
            client.delete(f"/v1/webhooks/{webhook['id']}")


def platform_of(server: Server) -> Place:
    """What lies behind the running server."""
    if "emulated" not in server.data.name:
        return open_embedded_place(read_settings({"CLIPWISE_DATA": str(server.data)})).place
    said = eventually(
        lambda: re.search(
            r"Firestore at (\S+), Pub/Sub at (\S+), storage at (\S+); project (\S+);",
            server.logs()[f"{server.data.name}.log"],
        )
    )
    return connect(EmulatorHosts(*said.groups()))


def subscribe(server: Server, receiver: Receiver) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post("/v1/webhooks", json={"url": receiver.url()})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def log(server: Server, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    with server.client() as client:
        lines: list[dict[str, Any]] = client.get(f"/v1/webhooks/{webhook['id']}/deliveries").json()["deliveries"]
    return lines


def let_time_pass(platform: Place) -> None:
    """Until everything that waits is due, and sweep has looked."""
    for stored in platform.documents.query(DELIVERIES).documents:
        if stored.data["dueAt"]:
            now = {"dueAt": clock.now(), "wakeAt": clock.now()}
            with suppress(Conflict):
                platform.documents.replace(DELIVERIES, stored.id, stored.data | now, stored.version)
    platform.bus.publish("sweep-tick", {})


def settled(server: Server, webhook: dict[str, Any], platform: Place) -> list[dict[str, Any]]:
    """The log, when nothing in it waits any more."""

    def ended() -> bool:
        let_time_pass(platform)
        return all(line["nextAttemptAt"] is None for line in log(server, webhook))

    eventually(ended, pause=1)
    return log(server, webhook)


def test_jobs_are_told_of_however_the_receiver_stumbles(
    server: Server, receiver: Receiver, small_video: Path, tmp_path: Path
) -> None:
    """A job that is done and one that failed each reach the server, signed, although it stumbles over the first."""
    receiver.answers = [status(500), status(429, Retry_After="1")]
    webhook = subscribe(server, receiver)
    text = tmp_path / "film.mp4"
    text.write_bytes(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(2000))
    ended = {server.submit(small_video): "job.done", server.submit(text): "job.failed"}
    for job_id, event in ended.items():
        assert f"job.{server.follow(job_id)['status']}" == event
    receiver.wait_for(2)
    lines = settled(server, webhook, platform_of(server))

    assert {line["jobId"]: line["event"] for line in lines} == ended
    assert [line["status"] for line in lines] == ["delivered"] * 2
    assert sum(len(line["attempts"]) for line in lines) == len(receiver.requests) == 4
    assert all(verify(webhook["secret"], request.headers, request.body) for request in receiver.requests)
    bodies = {request.headers["webhook-id"]: request.body for request in receiver.requests}
    assert {json.loads(body)["data"]["id"] for body in bodies.values()} == set(ended)


def test_a_death_while_telling_loses_nothing(server: Server, receiver: Receiver, small_video: Path) -> None:
    """Killed in the middle of a request, it sends the same message again and gets it delivered."""
    receiver.answers = [silence]
    webhook = subscribe(server, receiver)
    server.follow(server.submit(small_video))
    receiver.wait_for(1)
    if server.data.name == "embedded":
        server.kill()
        server.start()
    else:
        assert kill_function(server.pid, "notify") > 0
    (line,) = settled(server, webhook, platform_of(server))

    assert line["status"] == "delivered"
    assert {request.headers["webhook-id"] for request in receiver.requests} == {line["id"]}
    assert len({request.body for request in receiver.requests}) == 1
    assert len(receiver.requests) >= 2
