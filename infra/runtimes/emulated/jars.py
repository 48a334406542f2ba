"""Finds and installs Google's emulators on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.runtimes.emulated.errors import EmulatorsUnavailable

JAR_INSTALL_SEC = 600


@dataclass(frozen=True)
class Emulator:
    """One of Google's emulators.

    Attributes:
        component: Its name among gcloud's components, and of its folder in a gcloud installation.
        firebase: Its name in `firebase setup:emulators:…`.
        jar: The file's name as a glob; both distributions carry the same program.
        main: The class to start; gcloud's Firestore jar names none by itself.
    """

    component: str
    firebase: str
    jar: str
    main: str


FIRESTORE = Emulator(
    component="cloud-firestore-emulator",
    firebase="firestore",
    jar="cloud-firestore-emulator*.jar",
    main="com.google.cloud.datastore.emulator.firestore.CloudFirestore",
)
PUBSUB = Emulator(
    component="pubsub-emulator",
    firebase="pubsub",
    jar="cloud-pubsub-emulator*.jar",
    main="com.google.cloud.pubsub.testing.v1.Main",
)


def ensure_jar(emulator: Emulator, obtain: bool = True) -> Path:
    """Return the emulator's jar from a gcloud installation or Firebase's cache, installing it if `obtain`.

    Raises EmulatorsUnavailable.
    """
    if path := _find_jar(emulator):
        return path
    for command in _install_commands(emulator) if obtain else ():
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=JAR_INSTALL_SEC, check=False)
        if path := _find_jar(emulator):
            return path
    raise EmulatorsUnavailable(
        f"Google's {emulator.firebase} emulator is not installed. Run `gcloud components install "
        f"{emulator.component}` or `npx firebase-tools setup:emulators:{emulator.firebase}`, "
        f"or set {emulator.firebase.upper()}_EMULATOR_HOST to a running emulator"
    )


def _find_jar(emulator: Emulator) -> Path | None:
    for folder in _jar_folders(emulator):
        paths = [path for path in folder.rglob(emulator.jar) if path.is_file()]
        if paths:
            return max(paths, key=_version_key)
    return None


def _jar_folders(emulator: Emulator) -> Iterator[Path]:
    roots = [Path.home(), *map(Path, ("/usr/lib", "/usr/share", "/usr/local/share", "/opt", "/opt/homebrew/share"))]
    installations = [root / "google-cloud-sdk" for root in roots] + [Path("/snap/google-cloud-cli/current")]
    if gcloud := shutil.which("gcloud"):
        installations.insert(0, Path(gcloud).resolve().parents[1])
    yield from (installation / "platform" / emulator.component for installation in installations)
    yield Path(os.environ.get("FIREBASE_EMULATORS_PATH") or Path.home() / ".cache" / "firebase" / "emulators")


def _version_key(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)]


def _install_commands(emulator: Emulator) -> Iterator[list[str]]:
    if gcloud := shutil.which("gcloud"):
        yield [gcloud, "components", "install", "--quiet", emulator.component]
    if npx := shutil.which("npx"):
        yield [npx, "--yes", "firebase-tools", f"setup:emulators:{emulator.firebase}"]
