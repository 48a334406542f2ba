"""One set of emulators for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from infra.runtimes.emulated.emulators import EmulatorHosts
from tests.contract.emulated import running_emulators

FRONTEND = "https://app.example"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorHosts]:
    with running_emulators(tmp_path_factory.mktemp("emulators"), FRONTEND) as running:
        yield running


@pytest.fixture
def bucket(hosts: EmulatorHosts, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The media bucket, by Google's client as it is."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", hosts.storage)
    return Client(hosts.project, AnonymousCredentials()).bucket(f"{hosts.bucket_prefix}media")
