"""Which address, key and model each task has, and that no key goes anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from infra.stand_ins.compatible_servers import MODEL, SHAPES, CompatibleServer
from infra.stand_ins.server import Reply
from shared.ai.openai.endpoint import OPENAI_URL, endpoint_for
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.provider import Task
from shared.ai.usage import Meter
from shared.errors import ClipwiseError, PermanentError
from shared.settings import Settings, SettingsError, read_settings
from tests.unit.ai.test_compatible_servers import run_task

TASKS: tuple[Task, ...] = get_args(Task)
LOCAL = "http://localhost:11434/v1"


@pytest.mark.parametrize("task", TASKS)
def test_a_key_stays_with_its_address(task: Task) -> None:
    """The common key is not sent to a task's own address, and a task's key not to another task's."""
    own_url, own_key = f"openai_{task}_base_url", f"openai_{task}_api_key"
    common: dict[str, Any] = {"openai_api_key": "common"}
    assert endpoint_for(task, Settings(**common)).api_key == "common"
    moved = Settings(**common, **{own_url: LOCAL})
    assert (endpoint_for(task, moved).base_url, endpoint_for(task, moved).api_key) == (LOCAL, "")
    keyed = Settings(**common, **{own_url: LOCAL, own_key: "own"})
    assert endpoint_for(task, keyed).api_key == "own"
    for other in {*TASKS} - {task}:
        found = endpoint_for(other, keyed)
        assert (found.base_url, found.api_key) == (OPENAI_URL, "common")
    same = Settings(**common, openai_base_url=LOCAL, **{own_url: f"{LOCAL}/"})
    assert endpoint_for(task, same).api_key == "common"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_without_a_server_is_left_to_others(task: Task) -> None:
    """A server for one task does not make OpenAI do the rest without a key."""
    other = next(iter({*TASKS} - {task}))
    with pytest.raises(PermanentError) as caught:
        endpoint_for(task, Settings(**{f"openai_{other}_base_url": LOCAL}))  # type: ignore[arg-type]  # one of many
    assert caught.value.code == "provider_cannot"


@pytest.mark.parametrize(
    ("base_url", "is_vendor"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.evil.example/v1", False),
        ("https://notapi.openai.com/v1", False),
        ("http://localhost:1234/v1", False),
    ],
)
def test_only_the_vendors_own_addresses_count_as_its_own(base_url: str, is_vendor: bool) -> None:
    """Prices and habits of OpenAI apply at its own addresses only."""
    assert endpoint_for("chat", Settings(openai_api_key="k", openai_base_url=base_url)).is_vendor is is_vendor


@pytest.fixture
def servers() -> Iterator[dict[str, CompatibleServer]]:
    """A server per task, each with a key of its own, and one that nobody configured."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(CompatibleServer(SHAPES["vllm"], f"key-{name}")) for name in (*TASKS, "other")}


def settings_at(servers: dict[str, CompatibleServer]) -> Settings:
    given: dict[str, Any] = {"openai_api_key": "sk-common", "ai_timeout_sec": 5}
    for task in TASKS:
        given |= {f"openai_{task}_base_url": servers[task].base_url, f"openai_{task}_api_key": f"key-{task}"}
        given |= {f"openai_{task}_model": MODEL}
    return Settings(**given)


@pytest.mark.parametrize("task", TASKS)
def test_each_task_goes_to_its_server_with_its_key(
    servers: dict[str, CompatibleServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    """Four servers with four keys work side by side, and none sees another's key or the account of OpenAI."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    run_task(OpenAIProvider(settings_at(servers), Meter()), task, tmp_path)
    assert {name for name, server in servers.items() if server.requests} == {task}
    for request in servers[task].requests:
        assert request.headers["authorization"] == f"Bearer key-{task}"
        assert "secret" not in str(request.headers)
        assert "sk-common" not in str(request.headers)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("task", TASKS)
def test_no_redirect_is_followed(servers: dict[str, CompatibleServer], tmp_path: Path, task: Task, status: int) -> None:
    """A server cannot send a request, with a key and somebody's video in it, on to another address."""
    servers[task].queue_replies(Reply({}, status, {"location": f"{servers['other'].base_url}/chat/completions"}))
    with pytest.raises(ClipwiseError):
        run_task(OpenAIProvider(settings_at(servers), Meter()), task, tmp_path)
    assert servers["other"].requests == []


@pytest.mark.parametrize("prices", ["my-model", "my-model=1", "my-model=a/b", "my-model=1/2/3", "=1/2", "m=-1/2"])
def test_a_price_that_cannot_be_read_stops_the_start(prices: str) -> None:
    """A mistake in PRICES is found at the start, not on the bill."""
    with pytest.raises(SettingsError, match=r"^PRICES:"):
        read_settings({"PRICES": prices})
