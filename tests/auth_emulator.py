"""Firebase's own Auth emulator, from npm, for tests."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infra.runtimes.emulated.guarded_process import free_port, run_guarded
from tests.patience import PATIENCE_SEC
from tests.server import eventually

FIREBASE = Path(__file__).parent / "firebase/node_modules/firebase-tools/lib/bin/firebase.js"
PROJECT = "clipwise-local"


@contextmanager
def running_auth_emulator(folder: Path) -> Iterator[str]:
    """Its address as host:port; skips the test where it is not installed."""
    node = shutil.which("node")
    if node is None or not FIREBASE.exists():
        pytest.skip("Firebase's Auth emulator is not installed. Install Node.js and run `make browser-deps`.")
    folder.mkdir(parents=True, exist_ok=True)
    port, hub, logging = free_port(), free_port(), free_port()
    local = {"host": "127.0.0.1"}
    emulators = {
        "auth": local | {"port": port},
        "hub": local | {"port": hub},
        "logging": local | {"port": logging},
        "ui": {"enabled": False},
    }
    (folder / "firebase.json").write_text(json.dumps({"emulators": emulators}))
    # It keeps a configuration in the home folder.
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CI": "true"}
    command = [node, str(FIREBASE), "emulators:start", "--only", "auth", "--project", PROJECT]
    with run_guarded(command, folder / "emulator.log", environ, folder=folder) as program:
        program.wait_for_port(port, PATIENCE_SEC)
        eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/").json()["authEmulator"]["ready"])
        yield f"127.0.0.1:{port}"


class EmulatorMailbox:
    """The codes that the emulator would have mailed. It lists only unused ones, so this keeps those it has listed."""

    def __init__(self, host: str) -> None:
        self._url = f"http://{host}/emulator/v1/projects/{PROJECT}/oobCodes"
        self._listed: dict[str, tuple[str, str]] = {}

    def codes(self, purpose: str, address: str) -> list[str]:
        """Those to an address, oldest first; `purpose` is the service's `requestType`."""
        for code in httpx.get(self._url).json()["oobCodes"]:
            self._listed[code["oobCode"]] = (code["requestType"], code.get("newEmail") or code["email"])
        return [code for code, mail in self._listed.items() if mail == (purpose, address)]
