"""Checks whether `clipwise up` and the other commands can run on this machine."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec
from pathlib import Path

import httpx
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from infra.api_client import open_client
from infra.doctor.capabilities import check_capabilities
from infra.doctor.findings import Findings, good, note, problem
from infra.doctor.keys import check_keys
from infra.doctor.models import check_models
from infra.runtimes.embedded.serve import DataFolderLocked, bind_socket, lock_data_folder
from infra.runtimes.emulated.installation import FIRESTORE, PUBSUB, EmulatorsUnavailable, ensure_jar, ensure_java
from shared.media.self_check import find_faults, library_versions
from shared.settings import Settings, SettingsError, read_settings

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
INSTALL = "run `make demo` or `pip install -e '.[embedded]'` in a clone of the repository"
MIN_FREE_MB = 1_000


def check_machine(environ: Mapping[str, str], data: Path | None, host: str, port: int, online: bool) -> Findings:
    """Run all checks of this machine.

    Args:
        data: The data folder; None for the one in the settings.
        online: Whether to verify the API keys with the AI services.
    """
    yield from check_python()
    yield from check_packages()
    yield from check_ffmpeg()
    yield from check_media()
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        for sentence in error.problems:
            advice = "correct or unset that environment variable; docs/configuration.md lists them all"
            yield problem("settings", sentence, advice)
        return
    yield good("settings", "all environment variables are valid")
    yield from check_data(data or settings.clipwise_data)
    yield from check_port(host, port)
    yield from check_emulators()
    yield from check_browser()
    yield from check_keys(settings, online)
    yield from check_models(settings, online)
    yield from check_speech(settings)
    yield from check_capabilities(settings)


def check_python() -> Findings:
    running = ".".join(map(str, sys.version_info[:3]))
    supported = SpecifierSet(metadata("clipwise")["Requires-Python"] or "")
    if running in supported:
        yield good("python", running)
    else:
        yield problem("python", f"{running} is not supported", f"use a Python version in the range {supported}")


def check_packages() -> Findings:
    """Check that the packages of the extra `embedded` are installed in allowed versions."""
    required = requirements("clipwise", ("embedded",))
    wrong = [f"{name} ({wrong})" for name, allowed in required.items() if (wrong := version_problem(name, allowed))]
    if wrong:
        yield problem("packages", "missing or in an unsupported version: " + ", ".join(sorted(wrong)), INSTALL)
    else:
        yield good("packages", f"all {len(required)} are installed")
    missing = [name for name, allowed in requirements("clipwise", ("gcp",)).items() if version_problem(name, allowed)]
    if missing:
        yield note(
            "cloud packages", "not installed: " + ", ".join(missing), "required only for --emulators and --project"
        )


def requirements(distribution: str, extras: tuple[str, ...]) -> dict[str, SpecifierSet]:
    """Map packages to allowed versions, for the distribution, its `extras` and the extras these include."""
    allowed: dict[str, SpecifierSet] = {}
    for line in requires(distribution) or ():
        requirement = Requirement(line)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        if requirement.name == distribution:
            allowed |= requirements(distribution, tuple(requirement.extras))
        else:
            allowed[requirement.name] = requirement.specifier
    return allowed


def version_problem(name: str, allowed: SpecifierSet) -> str | None:
    """Describe what is wrong with the installed version of a package; None if it is allowed."""
    try:
        installed = version(name)
    except PackageNotFoundError:
        return "missing"
    return None if allowed.contains(installed, prereleases=True) else f"{installed}, requires {allowed}"


def check_ffmpeg() -> Findings:
    """Report which FFmpeg decodes audio: the program on the PATH, else the libraries inside PyAV."""
    program = shutil.which("ffmpeg")
    if not program:
        yield good("ffmpeg", "not on the PATH; the libraries inside PyAV decode audio")
        return
    try:
        banner = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        advice = "repair it or remove it from the PATH; until then the libraries inside PyAV decode audio"
        yield note("ffmpeg", f"{program} does not run ({error})", advice)
        return
    release = re.search(r"ffmpeg version (\S+)", banner)
    yield good("ffmpeg", f"{release[1] if release else 'unknown version'}, {program}")


def check_media() -> Findings:
    """Process a small video, and report what fails."""
    subject = "media"
    faults = find_faults()
    for fault in faults:
        yield problem(subject, f"{fault}; installed: {library_versions()}", fault.advice)
    if not faults:
        yield good(subject, f"a two-frame clip was processed with {library_versions()}")


def check_data(folder: Path) -> Findings:
    subject = "data folder"
    # `clipwise up` creates missing folders in the nearest one that exists.
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not existing.is_dir():
        yield problem(subject, f"{existing} is not a folder", "set another folder with --data or CLIPWISE_DATA")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = "grant write permission, or set another folder with --data or CLIPWISE_DATA"
        yield problem(subject, f"{existing} is not writable ({error.strerror})", advice)
        return
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    if free_mb < MIN_FREE_MB:
        yield problem(subject, f"only {free_mb} MB are free in {folder}", f"free at least {MIN_FREE_MB} MB")
    yield good(subject, f"{folder} is writable; {free_mb / 1000:.0f} GB are free")
    yield from check_lock(folder)
    database = folder / "clipwise.db"
    if database.exists():
        yield from check_database(database)


def check_lock(folder: Path) -> Findings:
    """Report whether a server uses the folder, without creating a lock file."""
    if not (folder / "lock").exists():
        return
    try:
        with lock_data_folder(folder):
            yield good("served", "no server uses the data folder")
    except DataFolderLocked:
        yield note("served", "a server uses the data folder", "use another --data folder for a second server")
    except OSError as error:
        yield problem("served", f"{folder} cannot be locked ({error.strerror})", "move it to a local disk")


def check_database(path: Path) -> Findings:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            outcome = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        outcome = str(error)
    if outcome == "ok":
        yield good("database", "the integrity check passed")
    else:
        yield problem("database", f"{path}: {outcome}", "restore the data folder from a backup, or use another one")


def check_port(host: str, port: int) -> Findings:
    subject = f"port {port}"
    try:
        with bind_socket(host, port):
            yield good(subject, f"free on {host}")
    except OSError as error:
        reason = f"not available ({error.strerror})"
        outcome = "used by a Clipwise server" if is_clipwise_server(host, port) else reason
        yield note(subject, outcome, "use another port for a second server: `clipwise up --port 0` picks a free one")


def is_clipwise_server(host: str, port: int) -> bool:
    """Return True if a Clipwise server responds."""
    url = f"http://{host}:{port}"
    try:
        with open_client(url) as client:
            return client.get(f"{url}/healthz", timeout=3).is_success
    except httpx.HTTPError:
        return False


def check_emulators() -> Findings:
    try:
        program = ensure_java(obtain=False)
        for emulator in (FIRESTORE, PUBSUB):
            ensure_jar(emulator, obtain=False)
    except EmulatorsUnavailable as missing:
        yield note("emulators", str(missing), "required only for `clipwise up --emulators`")
    else:
        yield good("emulators", f"Firestore, Pub/Sub and Java are installed ({program})")


def check_browser() -> Findings:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        yield good("browser", browser)
    else:
        yield note("browser", "Chromium is not installed", "required only for the tests in tests/browser")


def check_speech(settings: Settings) -> Findings:
    folder = settings.whisper_model_dir
    if not folder:
        return
    if not Path(folder).is_dir():
        yield problem("speech model", f"WHISPER_MODEL_DIR: the folder {folder} does not exist", "correct or unset it")
    elif find_spec("faster_whisper") is None:
        yield problem("speech model", "faster-whisper is not installed", "run `pip install 'clipwise[embedded]'`")
    elif not os.access(Path(folder) / "model.bin", os.R_OK):
        yield problem("speech model", f"{folder} does not contain model.bin", "put a faster-whisper model there")
    else:
        yield good("speech model", folder)
