"""What both local places write down: enough to find a job, nothing that opens a door."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.runtimes.emulated.provision import provision_pubsub, pubsub_clients
from shared.logs import new_traceparent, parse_traceparent
from shared.pipeline import lifecycle
from shared.wiring import wiring
from tests.contract.emulated import connect
from tests.hostile_server import HostileServer
from tests.patience import PATIENCE_SEC
from tests.server import Server, eventually

STAGES = ("extract", "persist")


def test_a_job_is_found_by_its_id(place: Server, small_video: Path) -> None:
    """One search for a job's id shows its making and each of its stages' beginning and end, on either place."""
    job_id = place.submit(small_video)
    assert place.follow(job_id)["status"] == "done"

    def has(message: str, stage: str = "") -> bool:
        found = [line for log in place.logs().values() for line in log.splitlines() if job_id in line]
        told = [line for line in found if not stage or f"stage={stage}" in line or f'"stage": "{stage}"' in line]
        return any(message in line for line in told)

    # A stage writes its last line after its end is stored.
    eventually(lambda: has("job is made"))
    for stage in STAGES:
        eventually(partial(has, "attempt 1 begins", stage))
        eventually(partial(has, "stage is done", stage))


@pytest.mark.parametrize("place", ["emulated"], indirect=True)
def test_every_line_of_a_function_is_an_entry_of_cloud_logging(place: Server, small_video: Path) -> None:
    """What the functions write is read by Cloud Logging as it is, and filed under the client's own trace."""
    traceparent = new_traceparent()
    with place.client() as client, small_video.open("rb") as file:
        form = {"files": {"file": ("clip.mp4", file, "video/mp4")}, "data": {"kind": "metadata"}}
        answer = client.post("/v1/jobs", headers={"traceparent": traceparent}, **form)
        # Another route, whose models are built at its first request.
        assert client.post("/v1/groups", json={"name": "Winter"}).status_code == 201
    job_id = answer.json()["id"]
    assert place.follow(job_id)["status"] == "done"

    ours = set()
    for function in wiring().functions:
        for line in place.logs()[f"{function}.log"].splitlines():
            entry = json.loads(line)
            assert isinstance(entry["message"], str)
            assert entry["severity"] in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
            labels = entry.get("logging.googleapis.com/labels", {})
            if labels.get("job") != job_id:
                continue
            ours.add(function)
            project, trace = entry["logging.googleapis.com/trace"].split("/traces/")
            assert (project, trace) == ("projects/clipwise-local", parse_traceparent(traceparent)[0])
            if function != "api":
                assert labels["stage"] == function
                assert labels["event"]
    assert ours == {"api", *STAGES}


def test_messages_carry_the_trace(hosts: EmulatorHosts) -> None:
    """Whoever listens to the pipeline's topics can go on with the trace of the request behind a message."""
    traceparent = new_traceparent()
    with pubsub_clients(hosts) as (_, subscriber):
        provision_pubsub(hosts, {})
        listener = f"projects/{hosts.project}/subscriptions/trace"
        topic = f"projects/{hosts.project}/topics/video-requested"
        subscriber.create_subscription(name=listener, topic=topic)
        job = lifecycle.plan_job(
            owner="o", kind="metadata", language="en", url="https://example.com/a", trace=traceparent
        )
        lifecycle.start_job(connect(hosts), job)
        (received,) = subscriber.pull(subscription=listener, max_messages=10, timeout=PATIENCE_SEC).received_messages
    assert json.loads(received.message.data)["jobId"] == job.id
    assert received.message.attributes["traceparent"] == traceparent


def test_nothing_that_opens_a_door_is_written_down(place: Server, hostile: HostileServer, small_video: Path) -> None:
    """Whoever reads the logs learns no bearer token, no key in a link, and no link that uploads, downloads or feeds."""
    token, key = "bearer-7f3a91c4e2", "key-5d0b8e6a17"
    doors = {token, key}
    with place.client() as client:
        assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {token}"}).status_code == 401
        links = [{"url": hostile.url(f"{path}?key={key}"), "kind": "metadata"} for path in ("/404", "/html", "/short")]
        refused, no_video, tried_again = [client.post("/v1/jobs", json=link).json()["id"] for link in links]
        wish = {"filename": "a.mp4", "content_type": "video/mp4", "size": small_video.stat().st_size}
        told = client.post("/v1/uploads", json={"kind": "metadata", **wish}).json()
        doors.update(secrets_in(told["upload_url"]))
        sent = httpx.request(
            told["method"], told["upload_url"], headers=told["headers"], content=small_video.read_bytes()
        )
        assert sent.status_code == 200
        job_id = told["job"]["id"]
        assert place.follow(job_id)["status"] == "done"
        link = client.get(f"/v1/jobs/{job_id}/media/thumbnail.jpg").headers["location"]
        doors.update(secrets_in(link))
        assert httpx.get(link).status_code == 200
        assert httpx.get(link + "0").status_code == 403
        client.get("/v1/jobs", params={"cursor": key})
        made = client.post("/v1/auth/keys", json={"name": "Phone", "scopes": ["read"]}).json()["key"]
        doors.add(made.rpartition("_")[2])
        assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {made}"}).status_code == 200
        assert client.post("/v1/jobs", json=links[0], headers={"Authorization": f"Bearer {made}"}).status_code == 403
        feed = client.post("/v1/feeds", json={}).json()["url"]
        doors.add(feed.split("/")[-2])
        assert client.get(feed).status_code == 200
        assert client.get(f"{feed}x").status_code == 404
        assert client.get("/share", params={"text": f"https://a.example/?key={key}"}).status_code == 303
        for ended in (refused, no_video):
            assert place.follow(ended)["status"] == "failed"
        eventually(lambda: place.job(tried_again)["stages"]["download"]["error"])
        client.post(f"/v1/jobs/{tried_again}/cancel")
    assert len(doors) > 3
    for name, log in place.logs().items():
        for door in doors:
            assert door not in log, f"{name} has {door}"


def secrets_in(url: str) -> set[str]:
    """What only those who were given the link know: the long values of its query, or its last part."""
    parts = urlsplit(url)
    values = {value for _, value in parse_qsl(parts.query) if len(value) > 20 and "/" not in value}
    return values or {parts.path.rpartition("/")[2]}
