"""Google's Firestore and Pub/Sub emulators and our Cloud Storage emulator, started together and stopped together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.runtimes.emulated.guarded_process import GuardedProcess, free_port, run_guarded
from infra.runtimes.emulated.installation import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    EmulatorsUnavailable,
    ensure_jar,
    ensure_java,
)

RULES = Path(__file__).parents[2] / "firestore" / "firestore.rules"
PROJECT = "clipwise-local"
READY_SEC = 300.0
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Options of Java for a program that does little: without its optimizing compiler and the threads of its usual garbage
collector, an emulator starts with a quarter less processor time."""


@dataclass(frozen=True)
class EmulatorHosts:
    """Addresses of the emulators.

    Attributes:
        firestore: `host:port`.
        pubsub: `host:port`.
        storage: URL.
    """

    firestore: str
    pubsub: str
    storage: str
    project: str = PROJECT

    @property
    def bucket_prefix(self) -> str:
        return f"{self.project}-"

    def environ(self) -> dict[str, str]:
        """Return the environment of a process that runs on the emulators; Google's clients read the hosts."""
        return {
            "CLIPWISE_PLACE": "gcp",
            "GOOGLE_CLOUD_PROJECT": self.project,
            "BUCKET_PREFIX": self.bucket_prefix,
            "FIRESTORE_EMULATOR_HOST": self.firestore,
            "PUBSUB_EMULATOR_HOST": self.pubsub,
            "STORAGE_EMULATOR_HOST": self.storage,
        }


@contextmanager
def run_emulators(
    folder: Path, rules: Path = RULES, *, project: str = PROJECT, obtain: bool = True
) -> Iterator[EmulatorHosts]:
    """Run all three emulators while the context lasts.

    An emulator set by a `*_EMULATOR_HOST` variable is used as it is. The others are started on free ports of
    127.0.0.1; `folder` holds their logs and the stored objects. Documents and messages are lost with the context.

    Args:
        rules: Security rules for Firestore.
        obtain: Whether to install missing emulators; if False, they are only searched for.

    Raises:
        EmulatorsUnavailable: An emulator is not available or does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        started: list[tuple[str, GuardedProcess, int]] = []

        def start(name: str, command: Sequence[str], port: int, environ: dict[str, str] | None = None) -> str:
            process = run_guarded(command, folder / f"{name}.log", environ)
            started.append((name, stack.enter_context(process), port))
            return f"127.0.0.1:{port}"

        def start_java(emulator: Emulator, *options: str) -> str:
            port = free_port()
            return start(emulator.firebase, [*emulator_command(emulator, port, obtain), *options], port)

        firestore = os.environ.get("FIRESTORE_EMULATOR_HOST") or start_java(FIRESTORE, f"--rules={rules}")
        pubsub = os.environ.get("PUBSUB_EMULATOR_HOST") or start_java(PUBSUB)
        storage = os.environ.get("STORAGE_EMULATOR_HOST")
        if not storage:
            port = free_port()
            hosts = EmulatorHosts(firestore, pubsub, f"http://127.0.0.1:{port}", project)
            module = [sys.executable, "-P", "-m", "infra.runtimes.emulated.storage.app"]
            command = [*module, str(port), str(folder / "storage")]
            storage = "http://" + start("storage", command, port, os.environ | hosts.environ())
        for name, process, port in started:
            stack.callback(process.request_stop)
            try:
                process.wait_for_port(port, READY_SEC)
            except EmulatorsUnavailable as error:
                raise EmulatorsUnavailable(f"the {name} emulator did not start: {error}") from None
        yield EmulatorHosts(firestore, pubsub, storage, project)


def emulator_command(emulator: Emulator, port: int, obtain: bool = True) -> list[str]:
    """Return the command that starts one of Google's emulators on 127.0.0.1; raises EmulatorsUnavailable."""
    command = [
        str(ensure_java(obtain)),
        *SHORT_LIVED,
        "-Duser.language=en",
        "-cp",
        str(ensure_jar(emulator, obtain)),
        emulator.main,
    ]
    return [*command, "--host=127.0.0.1", f"--port={port}"]
