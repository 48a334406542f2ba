"""A function's package, unpacked and installed as the cloud's build does it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.models import choose_models
from infra.packaging.package import build_package, install_requirements
from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from infra.runtimes.emulated.serve import function_command
from shared.wiring import wiring
from tests.patience import PATIENCE_SEC


@dataclass(frozen=True)
class Installed:
    """A package in an environment of its own."""

    name: str
    sources: Path
    python: Path

    @contextmanager
    def served(self, hosts: EmulatorHosts, log: Path) -> Iterator[str]:
        """Its URL under functions-framework, with nothing in its environment but what a function is given."""
        port = free_port()
        command = function_command(wiring().functions[self.name], "127.0.0.1", port, str(self.python))
        environ = {"PATH": os.environ["PATH"], "AUTH_REQUIRED": "false", **hosts.environ()}
        with run_guarded(command, log, environ, folder=self.sources) as process:
            process.wait_for_port(port, PATIENCE_SEC)
            yield f"http://127.0.0.1:{port}"


def install_package(name: str, folder: Path, models: Sequence[str] = ()) -> Installed:
    """Package the function `name` with some local models, unpack it in `folder` and install its pinned requirements
    beside, hashes checked."""
    sources = folder / "unpacked"
    with zipfile.ZipFile(build_package(name, folder, choose_models(models)).archive) as archive:
        archive.extractall(sources)
    return Installed(name, sources, install_requirements(sources / "requirements.txt", folder / "venv"))
