"""Several processes of the API agree on what is expensive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from infra.packaging.package import stage_sources
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.serve import function_command
from shared.wiring import wiring
from tests.contract.emulated import need_emulators, running_emulators
from tests.patience import PATIENCE_SEC
from tests.server import UNLIMITED

PROCESSES = 2
ALLOWED = 7
TRIES = 30
# A window of a day, so that no test is likely to see its end.
LIMITS = UNLIMITED | {"RATE_LIMIT_START": f"{ALLOWED}/day", "AUTH_REQUIRED": "false"}
EMBEDDED = """
import socket, uvicorn
from functions.api.app import create_app
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(create_app(), log_level="warning")).run(sockets=[listener])
"""


@contextmanager
def embedded(folder: Path) -> Iterator[list[str]]:
    """Two servers over one data folder."""
    environ = os.environ | LIMITS | {"CLIPWISE_DATA": str(folder / "data")}
    with ExitStack() as stack:
        urls = []
        for _ in range(PROCESSES):
            process = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", EMBEDDED], env=environ, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            urls.append(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        yield urls


@contextmanager
def emulated(folder: Path) -> Iterator[list[str]]:
    """Two instances of the function under functions-framework, over one Firestore emulator."""
    need_emulators()
    with ExitStack() as stack:
        hosts = stack.enter_context(running_emulators(folder / "emulators"))
        environ = os.environ | LIMITS | hosts.environ()
        sources = stage_sources("api", folder)
        started = []
        for number in range(PROCESSES):
            port = free_port()
            command = function_command(wiring().functions["api"], "127.0.0.1", port)
            process = stack.enter_context(run_guarded(command, folder / f"api-{number}.log", environ, folder=sources))
            started.append((process, port))
        for process, port in started:
            process.wait_for_port(port, PATIENCE_SEC)
        yield [f"http://127.0.0.1:{port}" for _, port in started]


@pytest.mark.parametrize("place", [embedded, emulated])
def test_two_processes_let_exactly_as_many_start_as_are_allowed(
    place: Callable[[Path], AbstractContextManager[list[str]]], tmp_path: Path
) -> None:
    """Of thirty starts at once at two processes exactly seven become jobs, seen by both; all others are told when."""
    with place(tmp_path) as urls, ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=url)) for url in urls]

        def start(number: int) -> httpx.Response:
            # A file waits for nobody: a link would set off what does not run here.
            body = {"content_type": "video/mp4", "size": 10, "kind": "metadata", "filename": f"{number}.mp4"}
            return clients[number % PROCESSES].post("/v1/uploads", json=body)

        with ThreadPoolExecutor(TRIES) as threads:
            answers = list(threads.map(start, range(TRIES)))

        assert Counter(answer.status_code for answer in answers) == {201: ALLOWED, 429: TRIES - ALLOWED}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)
        for client in clients:
            assert len(client.get("/v1/jobs").json()["jobs"]) == ALLOWED
            assert start(0).status_code == 429
