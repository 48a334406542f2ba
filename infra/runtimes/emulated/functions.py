"""Every function in a process of its own under functions-framework, from the sources that its package would hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.packaging.package import stage_sources
from infra.runtimes.emulated.processes import GuardedProcess, free_port, run_guarded
from shared.wiring import Function, wiring

READY_SEC = 300.0
IO_THREADS = 8
# Accounts are kept on this machine, too, unless there is an emulator for them.
EMULATED_EXCLUSIONS = frozenset({"shared.platform.embedded.place"})


@contextmanager
def run_functions(folder: Path, environ: Mapping[str, str], api: tuple[str, int]) -> Iterator[dict[str, str]]:
    """Serve all functions of the table while the context lasts and give the base URL of each.

    One that is killed comes again, as the cloud starts another instance.

    Args:
        folder: For the staged sources and the logs.
        environ: What the functions find in their environment, beside this process's own.
        api: Host and port for the HTTP function; the others get free ports on loopback.

    Raises:
        EmulatorsUnavailable: A function does not start; the message ends with its log.
    """
    with ExitStack() as stack:
        started: list[tuple[GuardedProcess, int]] = []
        endpoints = {}
        for row in wiring().functions.values():
            host, port = api if row.trigger.http else ("127.0.0.1", free_port())
            sources = stage_sources(row.name, folder, EMULATED_EXCLUSIONS)
            function_environ = os.environ | {**environ, "THREADS": str(thread_count(row))}
            command, log = function_command(row, host, port), folder / f"{row.name}.log"
            process = stack.enter_context(run_guarded(command, log, function_environ, folder=sources, again=True))
            started.append((process, port))
            endpoints[row.name] = f"http://127.0.0.1:{port}"
        for process, port in started:
            stack.callback(process.request_stop)
            process.wait_for_port(port, READY_SEC)
        yield endpoints


def function_command(row: Function, host: str, port: int, python: str = sys.executable) -> list[str]:
    """The command that serves one function, as the cloud's runtime does it: in the folder of its sources.

    That folder is then the first in which modules are looked for, whatever else is installed.
    """
    kind = ["--asgi"] if row.trigger.http else ["--signature-type", "cloudevent"]
    options = ["--source", "main.py", "--host", host, "--port", str(port)]
    return [python, "-m", "functions_framework", "--target", row.name, *kind, *options]


def thread_count(row: Function) -> int:
    """Return how many events a function processes at once, with one process in place of all its instances."""
    return (os.cpu_count() or 1) if row.cpu_bound else max(IO_THREADS, row.concurrency)
