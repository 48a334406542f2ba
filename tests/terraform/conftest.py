"""Terraform on this machine, or a loud skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def opened(provider: str, tmp_path: Path) -> Open:
    """Makes a workspace; `example` is dev, or prod with state on this machine."""

    def open_workspace(example: str = "dev") -> Workspace:
        made = Workspace(tmp_path / example, provider, example)
        if example == "prod":
            made.change("terraform/examples/prod/main.tf", 'backend "gcs" {\n    prefix = "clipwise"\n  }', "")
        made.init()
        return made

    return open_workspace
