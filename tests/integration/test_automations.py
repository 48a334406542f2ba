"""The requests that the manual tells phones and n8n to send, sent exactly so."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.api.app import create_app
from tests.file_server import Web, served_folder
from tests.patience import PATIENCE_SEC
from tests.server import Server, eventually, serving
from tests.webhook_receiver import Received, Receiver, receiving

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUNNER = ROOT / "tests" / "clients" / "n8n.mjs"
SUBMIT, HOOK = (DOCS / "n8n" / f"{name}.json" for name in ("submit-a-link", "when-a-job-is-done"))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    for name in ("soup.mp4", "stew.mp4"):
        shutil.copy(small_video, folder / name)
    with served_folder(folder) as running:
        yield running


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, web: Web, receiver: Receiver) -> Iterator[Server]:
    allowed = f"{web.address},{receiver.address}"
    with serving(tmp_path_factory.mktemp("automations") / "data", ALLOW_HOSTS=allowed) as running:
        yield running


def create_key(server: Server, *scopes: str) -> str:
    with server.client() as client:
        answer = client.post("/v1/auth/keys", json={"name": "automation", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


# iOS Shortcuts


def shortcut_fields() -> dict[str, str]:
    """The fields of the action “Get Contents of URL”, as the manual has them."""
    text = (DOCS / "phones.md").read_text(encoding="utf-8")
    rows = re.findall(r"^   \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return {name.replace("`", ""): value for name, value in rows if name not in ("field", "---")}


def test_the_shortcut_submits_a_link(server: Server, web: Web) -> None:
    """The documented fields, with a key that may only write, create a job; the same key can read nothing."""
    fields = shortcut_fields()
    key, link = create_key(server, "write"), f"http://{web.address}/soup.mp4"
    assert fields["Request Body"] == "`JSON`"
    url = fields["URL"].strip("`").replace("https://clips.example.com", server.url)
    authorization = fields["Headers: Authorization"].strip("`").replace("clipwise_…", key)
    kind = re.match(r"`(\w+)`", fields["kind (Text)"])
    assert kind
    assert fields["url (Text)"] == "the variable *URLs*"
    answer = httpx.request(
        fields["Method"].strip("`"),
        url,
        headers={"Authorization": authorization},
        json={"url": link, "kind": kind[1]},
        timeout=PATIENCE_SEC,
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "queued"), answer.text
    assert answer.json()["url"] == link
    refused = httpx.get(f"{server.url}/v1/jobs", headers={"Authorization": authorization}, timeout=PATIENCE_SEC)
    assert (refused.status_code, refused.json()["code"]) == (403, "key_scope")
    wrong = httpx.post(url, headers={"Authorization": authorization}, json={"url": "soup", "kind": kind[1]})
    assert wrong.json()["detail"]


# n8n


def workflow(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", [SUBMIT, HOOK], ids=lambda path: path.stem)
def test_a_workflow_sends_what_the_document_describes(path: Path) -> None:
    """Each HTTP node calls an operation of the OpenAPI document, with its fields and headers; no key is in the file."""
    document = create_app().openapi()
    schema = document["components"]["schemas"]["UrlJobRequest"]
    nodes = [node for node in workflow(path)["nodes"] if node["type"] == "n8n-nodes-base.httpRequest"]
    assert nodes
    for node in nodes:
        parameters = node["parameters"]
        called = re.sub(r"{{[^}]*id }}", "{job_id}", parameters["url"].partition("}}")[2])
        operation = document["paths"][called][parameters["method"].lower()]
        headers = {header["name"] for header in parameters.get("headerParameters", {}).get("parameters", ())}
        assert headers <= {item["name"] for item in operation["parameters"] if item["in"] == "header"}
        assert parameters["genericAuthType"] == "httpBearerAuth"
        if parameters.get("sendBody"):
            fields = set(re.findall(r"(\w+):", parameters["jsonBody"]))
            assert set(schema["required"]) <= fields <= set(schema["properties"])
    assert "clipwise_" not in path.read_text(encoding="utf-8")


def run(path: Path, folder: Path, start: dict[str, Any], **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a workflow from the output of its first node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; run `make program-deps` as root, or install it")
    files = {"input.json": start, "settings.json": settings}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    command = [node, RUNNER, path, *(folder / name for name in files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SEC)


def test_a_workflow_submits_a_link_and_waits_for_its_result(server: Server, web: Web, tmp_path: Path) -> None:
    """The imported workflow sends the documented requests to a server and ends with the finished job."""
    values = {"server": server.url, "url": f"http://{web.address}/stew.mp4", "kind": "metadata"}
    done = run(SUBMIT, tmp_path, {"json": {}}, token=create_key(server, "read", "write"), values=values)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    first, *rest = said["requests"]
    assert (first["method"], first["url"], first["status"]) == ("POST", f"{server.url}/v1/jobs", 202)
    assert json.loads(first["body"]) == {"url": values["url"], "kind": "metadata"}
    assert "Idempotency-Key" in first["headers"]
    assert {request["url"] for request in rest} == {f"{server.url}/v1/jobs/{said['output']['id']}"}
    assert said["output"]["status"] == "done"
    assert said["output"]["result"]["duration"]


def as_webhook_node(received: Received) -> dict[str, Any]:
    """What n8n's Webhook node passes on, with the option Raw Body."""
    return {"json": {"headers": received.headers}, "binary": base64.b64encode(received.body).decode()}


def test_a_workflow_verifies_a_webhook_and_gets_the_result(
    server: Server, receiver: Receiver, small_video: Path, tmp_path: Path
) -> None:
    """A real delivery passes the documented Code node and its job is read; a forged, changed or old one is rejected."""
    with server.client() as client:
        webhook = client.post("/v1/webhooks", json={"url": receiver.url(), "events": ["job.done"]}).json()
    job_id = server.submit(small_video)
    # Jobs of earlier tests may end now, too.
    received = eventually(lambda: next((each for each in receiver.requests if job_id.encode() in each.body), None))
    environ = {"CLIPWISE_WEBHOOK_SECRET": webhook["secret"], "CLIPWISE_URL": server.url}
    settings = {"token": create_key(server, "read"), "env": environ}
    done = run(HOOK, tmp_path, as_webhook_node(received), **settings)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"]["id"] == job_id
    old = received.headers | {"webhook-timestamp": "1"}
    for forged in (
        Received("/", received.headers, received.body.replace(b"done", b"gone")),
        Received("/", old, received.body),
        Received("/", received.headers | {"webhook-signature": "v1,AAAA"}, received.body),
    ):
        refused = run(HOOK, tmp_path, as_webhook_node(forged), **settings)
        assert refused.returncode != 0
        assert "not from Clipwise" in refused.stderr
