"""Terraform on this machine, or a loud skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terraform.state_server import StateServer, served_states
from tests.terraform.workspace import Workspace, missing, served_provider

Open = Callable[..., Workspace]


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest) -> Iterator[str]:
    """The stand-in for Google's provider; in a module that says FORESEE, its plans hold everything."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with served_provider(foresee=getattr(request.module, "FORESEE", False)) as reattach:
        yield reattach


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateServer]:
    """Serves the states of all workspaces."""
    with served_states(tmp_path_factory.getbasetemp()) as running:
        yield running


@pytest.fixture
def opened(provider: str, tmp_path: Path, states: StateServer) -> Open:
    """Makes a workspace of an example, dev or prod, with its state on this machine."""

    def open_workspace(example: str = "dev") -> Workspace:
        made = Workspace(tmp_path / example, provider, example)
        made.init(states)
        return made

    return open_workspace
