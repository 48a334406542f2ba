"""Starting and ending processes: hosts past proxies, and children of a server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infra.runtimes.process import bypass_proxies, core_count, ready_line


@pytest.mark.parametrize(
    ("environ", "hosts"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "nas.example, localhost"}, "nas.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, "a.example,b.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
    ids=["none", "one spelling", "both spellings", "all hosts"],
)
def test_this_machine_joins_the_users_own_exceptions(environ: dict[str, str], hosts: str) -> None:
    """Hosts that a user excepts from the proxy stay excepted, for clients that read either spelling."""
    bypass_proxies(environ)
    bypass_proxies(environ)
    assert environ == {"NO_PROXY": hosts, "no_proxy": hosts}


PROGRAM = "from infra.runtimes.process import end_with_parent; end_with_parent(); print('ready', flush=True)"


def test_a_child_that_is_done_ends_without_an_error() -> None:
    """A process that finishes while its server lives ends well, not with a fatal error of the interpreter."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.wait() == 0
        assert child.stderr is not None
        assert child.stderr.read() == b""


def test_a_child_ends_when_its_server_is_gone() -> None:
    """A process that would run for ever ends as soon as nobody holds its standard input."""
    endless = f"{PROGRAM}; import threading; threading.Event().wait()"
    with subprocess.Popen([sys.executable, "-c", endless], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"ready\n"
        child.stdin.close()
        assert child.wait() == 0


HUNGRY = """
from shared.platform.memory import limit_memory
limit_memory(300)
try:
    bytearray(400_000_000)
except MemoryError:
    print(len(bytearray(50_000_000)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce the limit")
def test_a_process_cannot_take_more_memory_than_its_limit() -> None:
    """A worker whose job wants too much gets an error that it survives, instead of filling the machine."""
    run = subprocess.run([sys.executable, "-c", HUNGRY], capture_output=True, text=True, check=True)
    assert run.stdout == "50000000\n"


@pytest.mark.parametrize(
    ("host", "public_url", "line"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080", "Clipwise is ready at http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080", "Clipwise is ready at http://[::1]:8080"),
        (
            "0.0.0.0",  # noqa: S104
            "http://127.0.0.1:8080",
            "Clipwise listens on all addresses of this machine (0.0.0.0:8080) and is ready at http://127.0.0.1:8080",
        ),
        (
            "::",
            "https://clips.example/",
            "Clipwise listens on all addresses of this machine ([::]:8080) for clients of https://clips.example/"
            " (PUBLIC_URL) and is ready at http://[::1]:8080",
        ),
        (
            "127.0.0.1",
            "https://clips.example",
            "Clipwise listens for clients of https://clips.example (PUBLIC_URL) and is ready at http://127.0.0.1:8080",
        ),
    ],
)
def test_the_ready_line_says_where_the_server_listens(host: str, public_url: str, line: str) -> None:
    """A user reads the address that answers on this machine, and whether others can reach it."""
    assert ready_line(host, 8080, public_url) == line


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system gives every process all cores")
def test_a_server_uses_the_cores_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """`taskset` and a container's set of cores limit how many videos are worked on at once."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process_id: {1, 5, 6})
    assert core_count() == 3
