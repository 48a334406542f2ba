"""The deployable packages of a whole flow, on this interpreter and Google's emulators."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from infra.runtimes.emulated.provision import provision_pubsub
from tests.contract.emulated import running_emulators
from tests.integration.installed import install_package
from tests.server import Api

FLOW = ("api", "extract", "transcribe", "analyze", "persist")


def test_the_packages_turn_a_video_into_a_recipe(tmp_path: Path, cooking_clip: Path) -> None:
    """What Terraform deploys works: each function from its own package, with the requirements that stand in it and
    nothing else, started by the function host and set off by real events."""
    with ExitStack() as stack:
        hosts = stack.enter_context(running_emulators(tmp_path))
        endpoints = {}
        for name in FLOW:
            installed = install_package(name, tmp_path / name)
            endpoints[name] = stack.enter_context(installed.served(hosts, tmp_path / f"{name}.log"))
        provision_pubsub(hosts, {name: endpoint for name, endpoint in endpoints.items() if name != "api"})
        api = Api(endpoints["api"])
        job = api.follow(api.submit(cooking_clip, "recipe"))
    assert job["status"] == "done", job["error"]
    assert job["video"]["frames"]
    assert job["video"]["audio"]["loudness"]
    assert len(job["result"]["ingredients"]) == 8
