"""Google's services on their emulators, with functions-framework behind the push subscriptions."""

from __future__ import annotations

import atexit
import os
import queue
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import functions_framework
import pytest
from cloudevents.http import CloudEvent
from werkzeug.serving import make_server

from infra.runtimes.emulated.emulators import RULES, EmulatorHosts, emulator_command, run_emulators
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.installation import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    EmulatorsUnavailable,
    ensure_jar,
    ensure_java,
)
from infra.runtimes.emulated.provision import provision_pubsub
from shared.platform.gcp.place import open_gcp_place
from shared.platform.ports import Place
from shared.settings import Settings
from shared.wiring import wiring
from tests.patience import PATIENCE_SEC

SINK = Path(__file__).with_name("sink.py")


def need_emulators() -> None:
    """Skips the test where the emulators are not installed; that one does not start is no reason to."""
    try:
        ensure_java(obtain=False), ensure_jar(FIRESTORE, obtain=False), ensure_jar(PUBSUB, obtain=False)
    except EmulatorsUnavailable as reason:
        pytest.skip(str(reason))


@cache
def shared_emulator(emulator: Emulator, *options: str) -> str:
    """The address of one of Google's emulators, which runs until this process ends: starting Java takes seconds."""
    folder = Path(tempfile.mkdtemp(prefix="clipwise-emulator-"))
    stack, port = ExitStack(), free_port()
    atexit.register(stack.close)
    stack.callback(shutil.rmtree, folder)
    command = [*emulator_command(emulator, port, obtain=False), *options]
    stack.enter_context(run_guarded(command, folder / "log")).wait_for_port(port, PATIENCE_SEC)
    return f"127.0.0.1:{port}"


@contextmanager
def running_emulators(folder: Path, frontend: str = "") -> Iterator[EmulatorHosts]:
    """A project of its own on Google's emulators, which all tests of this process share, and a storage emulator.

    Skips the test, with the reason, where they cannot be had.
    """
    need_emulators()
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FRONTEND_URL", frontend)
            if "FIRESTORE_EMULATOR_HOST" not in os.environ:
                patch.setenv("FIRESTORE_EMULATOR_HOST", shared_emulator(FIRESTORE, f"--rules={RULES}"))
            if "PUBSUB_EMULATOR_HOST" not in os.environ:
                patch.setenv("PUBSUB_EMULATOR_HOST", shared_emulator(PUBSUB))
            project = f"test-{uuid.uuid4().hex[:12]}"
            hosts = stack.enter_context(run_emulators(folder, project=project, obtain=False))
        yield hosts


@contextmanager
def own_emulators(folder: Path, frontend: str = "") -> Iterator[EmulatorHosts]:
    """The three emulators in processes of their own; skips the test, with the reason, where they cannot be had."""
    need_emulators()
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FRONTEND_URL", frontend)
            hosts = stack.enter_context(run_emulators(folder, obtain=False))
        yield hosts


def connect(hosts: EmulatorHosts) -> Place:
    """The adapters of `gcp`, on the emulators; the environment stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hosts.environ().items():
            patch.setenv(name, value)
        chosen = Settings(google_cloud_project=hosts.project, bucket_prefix=hosts.bucket_prefix)
        return open_gcp_place(chosen)


@contextmanager
def received(hosts: EmulatorHosts) -> Iterator[dict[str, queue.Queue[CloudEvent]]]:
    """Subscribe a server of functions-framework to everything; give the queues of what comes, by function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNCTION_TARGET", "sink")
        patch.setenv("FUNCTION_SIGNATURE_TYPE", "cloudevent")
        app = functions_framework.create_app("sink", str(SINK), "cloudevent")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    triggered = [name for name, function in wiring().functions.items() if not function.trigger.http]
    provision_pubsub(hosts, dict.fromkeys(triggered, f"http://127.0.0.1:{server.server_port}"))
    try:
        yield sys.modules["sink"].received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def decoded(event: CloudEvent) -> CloudEvent:
    """CloudEvents are percent-encoded in HTTP headers (HTTP binding, 3.1.3.2), which the SDK leaves to its caller."""
    attributes = {name: unquote(value) for name, value in event.get_attributes().items()}
    return CloudEvent(attributes, event.data)
