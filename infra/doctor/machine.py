"""Examines this machine: whether `clipwise up` and the commands will work here."""

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
from pathlib import Path

from infra.doctor.finding import Findings, good, note, problem
from infra.doctor.keys import check_keys
from infra.embedded.serve import AlreadyServed, bound, sole_server
from infra.emulated.errors import EmulatorsUnavailable
from infra.emulated.jars import FIRESTORE, PUBSUB, jar
from infra.emulated.java import java
from shared.settings import Settings, SettingsError, read_settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DEMANDED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^\]]*)\])?(?P<range>[^;]*)(;(?P<marker>.*))?")
INSTALL = "run `make demo` or `pip install -e '.[embedded]'` in a clone of the repository"
ROOM_MB = 1_000


def check_machine(environ: Mapping[str, str], data: Path | None, host: str, port: int, online: bool) -> Findings:
    """Everything about this machine.

    Args:
        data: The folder that is going to be served; None for the one that the settings name.
        online: Whether to ask the AI services if they take the keys.
    """
    yield from check_python()
    yield from check_packages()
    yield from check_ffmpeg()
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        yield problem("settings", str(error), "correct or unset that environment variable; the README lists them all")
        return
    yield good("settings", "every variable that is set can be read")
    yield from check_data(data or settings.clipwise_data)
    yield from check_port(host, port)
    yield from check_emulators()
    yield from check_browser()
    yield from check_keys(settings, online)
    yield from check_speech(settings)


def check_python() -> Findings:
    here = ".".join(map(str, sys.version_info[:3]))
    oldest = lower_end(metadata("clipwise")["Requires-Python"] or "")
    if sys.version_info[:2] < tuple(numbers(oldest)):
        yield problem("python", f"this is {here}", f"use Python {oldest} or newer")
    else:
        yield good("python", here)


def check_packages() -> Findings:
    """What pyproject.toml asks for on one machine, and of what version at least."""
    wanted = demanded("clipwise", ("embedded",))
    wrong = [f"{name} ({found or 'missing'})" for name, least in wanted.items() if older(found := held(name), least)]
    if wrong:
        yield problem("packages", "missing or too old: " + ", ".join(sorted(wrong)), INSTALL)
    else:
        yield good("packages", f"all {len(wanted)} are installed")
    missing = [name for name in demanded("clipwise", ("gcp",)) if held(name) is None]
    if missing:
        yield note(
            "cloud packages", "not installed: " + ", ".join(missing), "needed for --emulators and --project only"
        )


def demanded(distribution: str, extras: tuple[str, ...]) -> dict[str, str]:
    """Package to least version ("" = any), for the package itself and `extras`, and what these extras name."""
    found: dict[str, str] = {}
    for line in requires(distribution) or ():
        part = DEMANDED.match(line)
        assert part is not None, line  # noqa: S101  # its grammar is ours
        of_extra = re.search(r"extra == ['\"]([^'\"]+)", part["marker"] or "")
        if of_extra and of_extra[1] not in extras:
            continue
        if part["name"] == distribution:
            more = tuple(extra.strip() for extra in (part["extras"] or "").split(","))
            found |= demanded(distribution, more)
        else:
            found[part["name"]] = lower_end(part["range"])
    return found


def lower_end(versions: str) -> str:
    """The least version in a range such as `<3,>=2.1`, "" where it has none."""
    least = re.search(r">=\s*([\w.]+)", versions)
    return least[1] if least else ""


def held(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def older(found: str | None, least: str) -> bool:
    return found is None or numbers(found) < numbers(least)


def numbers(text: str) -> list[int]:
    """The release part of a version (PEP 440), for comparing."""
    release = re.match(r"[\d.]*", text)
    return [int(digits) for digits in re.findall(r"\d+", release[0])] if release else []


def check_ffmpeg() -> Findings:
    from shared.media.audio import NoFfmpeg, ffmpeg_binary

    try:
        program = ffmpeg_binary()
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (NoFfmpeg, OSError, subprocess.SubprocessError) as error:
        yield problem("ffmpeg", f"it does not run ({error})", "install ffmpeg, or the package imageio-ffmpeg")
        return
    found = re.search(r"ffmpeg version (\S+)", told)
    yield good("ffmpeg", f"{found[1] if found else 'unknown version'}, {program}")


def check_data(folder: Path) -> Findings:
    subject = "data folder"
    # What is not there yet is made by `clipwise up`, in the nearest folder that is.
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        yield problem(subject, f"{there} is no folder", "choose another with --data or CLIPWISE_DATA")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            pass
    except OSError as error:
        advice = "give yourself the right to write there, or choose another with --data or CLIPWISE_DATA"
        yield problem(subject, f"nothing can be written to {there} ({error.strerror})", advice)
        return
    free_mb = shutil.disk_usage(there).free // 1_000_000
    if free_mb < ROOM_MB:
        yield problem(subject, f"{free_mb} MB are left where {folder} lies", f"make room: {ROOM_MB} MB at least")
    yield good(subject, f"{folder} can be written to; {free_mb / 1000:.0f} GB are free")
    yield from check_lock(folder)
    database = folder / "clipwise.db"
    if database.exists():
        yield from check_database(database)


def check_lock(folder: Path) -> Findings:
    """Locks and lets go at once, without leaving a file where there was none."""
    if not (folder / "lock").exists():
        return
    try:
        with sole_server(folder):
            yield good("served", "no server works on the data folder now")
    except AlreadyServed:
        yield note("served", "a server works on the data folder now", "a second one needs another --data folder")
    except OSError as error:
        yield problem("served", f"{folder} cannot be locked ({error.strerror})", "put it on a disk of this machine")


def check_database(path: Path) -> Findings:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            told = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        told = str(error)
    if told == "ok":
        yield good("database", "no damage was found")
    else:
        yield problem("database", f"{path}: {told}", "restore the data folder from a backup, or choose another")


def check_port(host: str, port: int) -> Findings:
    subject = f"port {port}"
    try:
        with bound(host, port):
            yield good(subject, f"free on {host}")
    except OSError as error:
        said = f"cannot be listened on ({error.strerror})"
        who = "Clipwise answers there" if answers(host, port) else said
        yield note(subject, who, "choose another for a second server: `clipwise up --port 0` takes a free one")


def answers(host: str, port: int) -> bool:
    """Whether Clipwise is there."""
    import httpx

    from infra.cli.client import open_client

    url = f"http://{host}:{port}"
    try:
        with open_client(url) as client:
            return client.get(f"{url}/healthz", timeout=3).is_success
    except httpx.HTTPError:
        return False


def check_emulators() -> Findings:
    try:
        program = java(obtain=False)
        for emulator in (FIRESTORE, PUBSUB):
            jar(emulator, obtain=False)
    except EmulatorsUnavailable as missing:
        yield note("emulators", str(missing), "needed for `clipwise up --emulators` only")
    else:
        yield good("emulators", f"Firestore's and Pub/Sub's are there, and Java: {program}")


def check_browser() -> Findings:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        yield good("browser", browser)
    else:
        yield note("browser", "no Chromium was found", "needed for the tests in tests/browser only")


def check_speech(settings: Settings) -> Findings:
    folder = settings.whisper_model_dir
    if not folder:
        return
    if not Path(folder).is_dir():
        yield problem("speech model", f"WHISPER_MODEL_DIR: there is no folder {folder}", "correct or unset it")
    elif held("faster-whisper") is None:
        yield problem("speech model", "faster-whisper is not installed", "run `pip install 'clipwise[whisper]'`")
    elif not os.access(Path(folder) / "model.bin", os.R_OK):
        yield problem("speech model", f"{folder} holds no model.bin", "put a faster-whisper model there")
    else:
        yield good("speech model", folder)
