"""The emulated environment: Google's emulators and every function under functions-framework, until interrupted."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from infra.packaging.package import stage_sources
from infra.runtimes.background_tasks import Scheduler, media_check, reindex_task, tick_tasks
from infra.runtimes.embedded.serve import bind_socket, create_worker_folder, lock_data_folder
from infra.runtimes.emulated.emulators import run_emulators
from infra.runtimes.emulated.guarded_process import GuardedProcess, free_port, run_guarded
from infra.runtimes.emulated.provision import provision_pubsub
from infra.runtimes.process import LOOPBACK, TerminationSignal, core_count, local_url, raise_on_signals, ready_line
from shared.ai.catalogue import installed_folder, models_folder, read_catalogue
from shared.platform.embedded.signing import signing_key
from shared.settings import Settings, read_settings
from shared.wiring import Function, wiring

READY_SEC = 300.0
IO_THREADS = 8
BACKLOG = 2048
"""Connections that wait for a function to start; as many as gunicorn lets wait."""
# Not all of shared.platform.embedded: accounts are stored on this machine unless there is an emulator for them.
EMULATED_EXCLUSIONS = frozenset({"shared.platform.embedded.place"})


@contextmanager
def run_functions(folder: Path, environ: Mapping[str, str], api: tuple[str, int]) -> Iterator[dict[str, str]]:
    """Serve all functions of the wiring table while the context lasts; yields the base URL of each.

    A function that waits for events starts at the first one, as the cloud starts an instance. A killed function is
    restarted, as the cloud starts another one.

    Args:
        folder: For the staged sources and the logs.
        environ: Environment of the functions, in addition to this process's.
        api: Host and port of the HTTP function; the others get free ports on loopback.

    Raises:
        EmulatorsUnavailable: The HTTP function does not start; the message ends with its log.
    """
    with ExitStack() as stack:
        processes: list[GuardedProcess] = []
        endpoints = {}
        for row in wiring().functions.values():
            sources = stage_sources(row.name, folder, EMULATED_EXCLUSIONS)
            run = partial(
                run_guarded,
                log=folder / f"{row.name}.log",
                environ=os.environ | {**environ, "THREADS": str(thread_count(row))},
                folder=sources,
                again=True,
            )
            if row.trigger.http:
                host, port = api
                processes.append(stack.enter_context(run(front_command(row, host, port))))
            else:
                host, port = "127.0.0.1", free_port()
                with socket.create_server((host, port), backlog=BACKLOG) as listener:
                    processes.append(stack.enter_context(run(function_command(row, host, port), listener=listener)))
            endpoints[row.name] = f"http://127.0.0.1:{port}"
        for process in processes:
            stack.callback(process.request_stop)
        for process, row in zip(processes, wiring().functions.values(), strict=True):
            if row.trigger.http:
                process.wait_for_port(api[1], READY_SEC)
        yield endpoints


def function_command(row: Function, host: str, port: int, python: str = sys.executable) -> list[str]:
    """Return the command that serves one function from the folder of its sources, as the cloud's runtime does.

    That folder comes first on the module search path, whatever else is installed.
    """
    kind = ["--asgi"] if row.trigger.http else ["--signature-type", "cloudevent"]
    options = ["--source", "main.py", "--host", host, "--port", str(port)]
    return [python, "-m", "functions_framework", "--target", row.name, *kind, *options]


def front_command(row: Function, host: str, port: int) -> list[str]:
    """Return the command that serves the HTTP function behind the limits of Cloud Run's front end."""
    return [sys.executable, "-m", "infra.runtimes.emulated.front", row.name, host, str(port)]


def thread_count(row: Function) -> int:
    """Return how many events a function processes at once, with one process instead of several instances."""
    return core_count() if row.cpu_bound else max(IO_THREADS, row.concurrency)


def local_models(settings: Settings) -> dict[str, str]:
    """Return the settings with which the functions use the models of this installation."""
    # Their own data folder is another one. Of one task, the best model comes first.
    installed = [name for name, model in read_catalogue().items() if installed_folder(model, settings)]
    return {"MODELS_DIR": str(models_folder(settings).resolve()), "PACKAGED_MODELS": ",".join(reversed(installed))}


def serve(host: str, port: int, data: Path, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once with a line about where the server accepts requests.

    Raises:
        DataFolderLocked: Another server uses the same data folder.
        EmulatorsUnavailable: An emulator or a function does not start; the message says what to do.
        OSError: The address cannot be bound.
    """
    from shared.platform.gcp.place import open_gcp_place

    folder = data / "emulated"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = port or free_port()
    # The function host would wait for an address that another server uses.
    with bind_socket(host, port):
        pass
    url = os.environ.get("PUBLIC_URL") or local_url(host, port)
    raise_on_signals()
    with lock_data_folder(folder), suppress(KeyboardInterrupt, TerminationSignal), run_emulators(folder) as hosts:
        temporary = create_worker_folder(folder.resolve())
        environ = hosts.environ() | {"PUBLIC_URL": url, "TMPDIR": str(temporary)}
        # Unlike in the cloud, no proxy precedes the functions, so the function host must not trust proxy headers.
        environ |= {"TRUSTED_PROXIES": os.environ.get("TRUSTED_PROXIES", "0"), "FORWARDED_ALLOW_IPS": ""}
        environ["SIGNING_KEY"] = signing_key(replace(read_settings(os.environ), clipwise_data=folder)).decode()
        environ |= local_models(replace(read_settings(os.environ), clipwise_data=data))
        environ |= {"CLIPWISE_DATA": str(folder.resolve()), "IDENTITY": os.environ.get("IDENTITY") or "local"}
        if host in LOOPBACK:
            environ.setdefault("AUTH_REQUIRED", os.environ.get("AUTH_REQUIRED", "false"))
        os.environ.update(environ)
        with media_check(temporary), run_functions(folder, environ, (host, port)) as endpoints:
            provision_pubsub(hosts, {name: endpoint for name, endpoint in endpoints.items() if name != "api"})
            place = open_gcp_place(read_settings(os.environ))
            with Scheduler([*tick_tasks(place.bus), reindex_task(place.documents)]):
                addresses = f"Firestore at {hosts.firestore}, Pub/Sub at {hosts.pubsub}, storage at {hosts.storage}"
                print(f"{addresses}; project {hosts.project}; logs in {folder}", file=sys.stderr, flush=True)
                ready(ready_line(host, port, url))
                threading.Event().wait()
