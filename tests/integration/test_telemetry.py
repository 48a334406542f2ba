"""Traces and metrics of both local places, as a collector and a Prometheus server receive them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.stand_ins import openai_server
from shared.logs import new_traceparent, parse_traceparent
from tests.collector import CollectedSpan, Collector, collecting
from tests.contract.emulated import need_emulators
from tests.file_server import Web
from tests.integration.sites import OPTIONS, MortalOpenAI
from tests.server import Server, eventually, serving

STAGES = ["download", "extract", "transcribe", "analyze", "persist"]
TITLE = "grandmothers-secret-soup"


@dataclass(frozen=True)
class TracedJob:
    """A job that took every stage of a video, and what was collected of it."""

    place: str
    server: Server
    collector: Collector
    job: dict[str, object]
    caller: str

    def spans(self) -> list[CollectedSpan]:
        trace = parse_traceparent(self.caller)
        assert trace is not None
        return [span for span in self.collector.spans() if span.trace == trace[0]]

    def one(self, name: str) -> CollectedSpan:
        (found,) = [span for span in self.spans() if span.name == name]
        return found


@pytest.fixture(scope="module", params=sorted(OPTIONS))
def traced(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    web: Web,
    talk: Path,
) -> Iterator[TracedJob]:
    if request.param == "emulated":
        need_emulators()
    shutil.copyfile(talk, web.folder / f"{TITLE}.mp4")
    data = tmp_path_factory.mktemp(f"traced-{request.param}")
    with (
        collecting() as collector,
        MortalOpenAI() as openai,
        serving(data, *OPTIONS[request.param], **environ(openai, web), **collector.environ()) as server,
        server.client() as client,
    ):
        caller = new_traceparent()
        link = {"url": f"http://{web.address}/{TITLE}.mp4", "kind": "recipe"}
        answer = client.post("/v1/jobs", json=link, headers={"traceparent": caller})
        job = server.follow(answer.json()["id"])
        assert job["status"] == "done", job["error"]
        yield TracedJob(request.param, server, collector, job, caller)


def environ(openai: MortalOpenAI, web: Web) -> dict[str, str]:
    return {
        "AI_PROVIDER": "openai",
        "OPENAI_API_KEY": openai_server.KEY,
        "OPENAI_BASE_URL": openai.base_url,
        "PRICES": "gpt-5.4-mini=0.75/4.50,whisper-1=0.006/min",
        "ALLOW_HOSTS": web.address,
        "ACCESS_LOG": "true",
    }


def test_one_trace_has_the_request_every_message_every_stage_and_the_providers(traced: TracedJob) -> None:
    """Whoever opens a job's trace sees its request, what was sent, each stage below that, and each call of an AI."""
    eventually(lambda: {span.name for span in traced.spans()} >= {*STAGES, "POST /v1/jobs", "embed openai"})
    request = traced.one("POST /v1/jobs")
    assert request.parent == (parse_traceparent(traced.caller) or ("", ""))[1]
    assert (request.kind, request.attributes["http.response.status_code"]) == ("server", 202)
    sent = traced.one("send video-requested")
    assert (sent.kind, sent.parent) == ("producer", request.id)
    download = traced.one("download")
    assert (download.kind, download.parent) == ("consumer", sent.id)
    # An object's event carries no trace: the stage goes on from the job's request.
    extract = traced.one("extract")
    assert extract.parent == request.id
    assert traced.one("send audio-extracted").parent == extract.id
    for topic, stage in (("transcript-completed", "analyze"), ("analysis-completed", "persist")):
        assert traced.one(stage).parent == traced.one(f"send {topic}").id
    for call, stage in (("fetch http", "download"), ("analyze openai", "analyze"), ("embed openai", "persist")):
        assert traced.one(call).parent == traced.one(stage).id
        assert traced.one(call).kind == "client"
    transcribe = traced.one("transcribe")
    assert transcribe.parent == traced.one("send audio-extracted").id
    assert traced.one("transcribe openai").parent == transcribe.id
    assert not [span.name for span in traced.spans() if span.failed]
    assert {span.attributes["clipwise.outcome"] for span in traced.spans() if span.kind == "consumer"} == {"done"}
    if traced.place == "emulated":
        assert extract.service == "clipwise-extract"


def test_nothing_of_users_or_secrets_is_sent_to_the_collector(traced: TracedJob) -> None:
    """An operator may send traces to another company: no link, title, result or key is in them."""
    eventually(lambda: traced.collector.points("clipwise.ai.cost"))
    sent = b"".join(traced.collector.bodies)
    assert str(traced.job["id"]).encode() in sent
    result = traced.job["result"]
    assert isinstance(result, dict)
    words = {TITLE, str(result["title"]), openai_server.KEY}
    for word in words:
        assert word.encode() not in sent, word


def test_the_metrics_of_stages_and_costs_arrive(traced: TracedJob) -> None:
    """A collector receives how often each stage ran, with which outcome, for how long, and what the AI cost."""
    done = {"outcome": "done", "kind": "recipe"}
    eventually(
        lambda: (
            {
                labels["stage"]
                for labels, count in traced.collector.points("clipwise.stage.attempts")
                if count >= 1 and done.items() <= labels.items()
            }
            == set(STAGES)
        )
    )
    assert {labels["stage"] for labels, _ in traced.collector.points("clipwise.stage.duration")} == set(STAGES)
    costs = eventually(lambda: traced.collector.points("clipwise.ai.cost"))
    assert all(labels["provider"] == "openai" and cost > 0 for labels, cost in costs)
    if traced.place == "embedded":
        assert eventually(lambda: traced.collector.points("clipwise.queue.depth"))


def test_the_access_log_names_the_route_and_not_the_path(traced: TracedJob) -> None:
    """A line for each request tells its route, status and time, and nothing that opens a door."""
    log = "\n".join(traced.server.logs().values())
    assert "POST /v1/jobs 202" in log
    assert "GET /v1/jobs/{job_id} 200" in log


def test_prometheus_reads_the_metrics(traced: TracedJob) -> None:
    """A Prometheus server on this machine reads the counts of all processes of the embedded place."""
    with traced.server.client() as client:
        answer = client.get("/metrics")
        if traced.place == "emulated":
            assert answer.status_code == 404
            return
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        counts = {
            sample.labels["stage"]: sample.value
            for sample in families["clipwise_stage_attempts"].samples
            if sample.name.endswith("_total") and sample.labels["outcome"] == "done"
        }
        assert {stage: counts[stage] >= 1 for stage in STAGES} == dict.fromkeys(STAGES, True)
        assert families["clipwise_stage_duration_seconds"].type == "histogram"
        (cost, *_) = [s for s in families["clipwise_ai_cost_usd"].samples if s.name.endswith("_total")]
        assert cost.labels["provider"] == "openai"
        assert cost.value > 0
        assert {sample.labels["function"] for sample in families["clipwise_queue_depth"].samples} <= {
            *STAGES,
            "notify",
            "sweep",
        }
        proxied = client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
        assert proxied.status_code == 401
        assert proxied.json()["code"] == "unauthenticated"
        foreign = client.get("/metrics", headers={"Host": "rebound.example.com"})
        assert foreign.json()["code"] == "foreign_page"
