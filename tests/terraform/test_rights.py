"""The rights in terraform/rights.yaml, held against what the functions really do."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from infra.reference import rights
from shared.wiring import wiring
from tests.terraform.recorded_rights import granted, watched, wired
from tests.terraform.usage_scenarios import LIVES

Lived = Callable[[str], frozenset[str]]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The rights that a life takes; each is lived once."""

    @lru_cache
    def live(life: str) -> frozenset[str]:
        folder: Path = tmp_path_factory.mktemp("life")
        with watched(folder) as at:
            LIVES[life](at)
            return frozenset(at.guard.used)

    return live


@pytest.mark.parametrize("life", LIVES)
def test_the_rights_are_enough(life: str, lived: Lived) -> None:
    """Whatever somebody does with an installation can be done with the rights there are."""
    assert sorted(lived(life) - granted() - wired()) == []


def test_every_right_is_needed(lived: Lived) -> None:
    """No function may do what none of these lives, with their repeated events and failures, has it do."""
    assert sorted(granted() - frozenset().union(*map(lived, LIVES))) == []


def test_every_function_works(lived: Lived) -> None:
    """No function is left out of the lives that its rights are held against."""
    at_work = {right.partition(":")[0] for life in LIVES for right in lived(life)}
    assert at_work == wiring().functions.keys() == rights().keys()


def test_a_right_less_is_noticed(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who takes a right away that is needed is told which."""
    fewer = {**rights(), "extract": {"documents": True, "objects": {"uploads": ["read"], "media": ["read"]}}}
    monkeypatch.setattr("tests.terraform.recorded_rights.rights", lambda: fewer)
    assert lived("metadata") - granted() - wired() >= {"extract: create in media", "extract: delete in media"}
