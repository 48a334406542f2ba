"""One adapter per session, and for each test names that no other test uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from shared.platform.ports import Bus, Documents, Objects
from tests.contract.adapters import ADAPTERS, Adapter


@pytest.fixture(scope="session", params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    with ADAPTERS[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
def documents(adapter: Adapter) -> Documents:
    return adapter.platform.documents


@pytest.fixture
def objects(adapter: Adapter) -> Objects:
    return adapter.platform.objects


@pytest.fixture
def bus(adapter: Adapter) -> Bus:
    return adapter.platform.bus


@pytest.fixture
def fresh() -> str:
    """A name that is new: of a collection, of a folder of objects."""
    return f"t{uuid.uuid4().hex}"
