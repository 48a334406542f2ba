"""The emulated environment: Google's emulators and every function under functions-framework, until interrupted."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from infra.runtimes.embedded.scheduler import Scheduler, tick_tasks
from infra.runtimes.embedded.self_check import media_check
from infra.runtimes.embedded.serve import bind_socket, create_worker_folder, lock_data_folder
from infra.runtimes.emulated.emulators import run_emulators
from infra.runtimes.emulated.functions import run_functions
from infra.runtimes.emulated.provision import provision_pubsub
from infra.runtimes.loopback import LOOPBACK
from infra.runtimes.signals import TerminationSignal, raise_on_signals
from shared.platform.embedded.keys import signing_key
from shared.settings import read_settings


def serve(host: str, port: int, data: Path, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once with the URL when the server accepts requests.

    Raises:
        AlreadyServed: Another server uses the same data folder.
        EmulatorsUnavailable: An emulator or a function does not start; the message says what to do.
        OSError: The address cannot be bound.
    """
    from infra.runtimes.emulated.processes import free_port
    from shared.platform.gcp.place import open_gcp

    folder = data / "emulated"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = port or free_port()
    # The function host would go on trying for an address that another server answers at.
    with bind_socket(host, port):
        pass
    url = os.environ.get("PUBLIC_URL") or f"http://{host}:{port}"
    raise_on_signals()
    with lock_data_folder(folder), suppress(KeyboardInterrupt, TerminationSignal), run_emulators(folder) as hosts:
        temporary = create_worker_folder(folder.resolve())
        environ = hosts.environ() | {"PUBLIC_URL": url, "TMPDIR": str(temporary)}
        # No proxy stands before the functions, as one does in the cloud; the function host is not to believe in one.
        environ |= {"TRUSTED_PROXIES": os.environ.get("TRUSTED_PROXIES", "0"), "FORWARDED_ALLOW_IPS": ""}
        environ["SIGNING_KEY"] = signing_key(replace(read_settings(os.environ), clipwise_data=folder)).decode()
        environ |= {"CLIPWISE_DATA": str(folder.resolve()), "IDENTITY": os.environ.get("IDENTITY") or "local"}
        if host in LOOPBACK:
            environ.setdefault("AUTH_REQUIRED", os.environ.get("AUTH_REQUIRED", "false"))
        os.environ.update(environ)
        with media_check(temporary), run_functions(folder, environ, (host, port)) as endpoints:
            provision_pubsub(hosts, {name: endpoint for name, endpoint in endpoints.items() if name != "api"})
            with Scheduler(tick_tasks(open_gcp(read_settings(os.environ)).bus)):
                ready(url)
                addresses = f"Firestore at {hosts.firestore}, Pub/Sub at {hosts.pubsub}, storage at {hosts.storage}"
                print(f"{addresses}; project {hosts.project}; logs in {folder}", file=sys.stderr, flush=True)
                threading.Event().wait()
