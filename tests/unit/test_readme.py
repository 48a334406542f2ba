"""What the README says of the code is so."""

from __future__ import annotations

import tomllib
from pathlib import Path

from infra.tables import README, filled
from shared.wiring import wiring

ROOT = Path(__file__).parents[2]


def test_the_tables_follow_from_the_code() -> None:
    """Someone who reads the README's tables of functions and settings reads what is deployed and configured."""
    text = README.read_text(encoding="utf-8")
    assert text == filled(text), "run: python -m infra.tables"


def test_each_dependency_is_explained() -> None:
    """Every package we ask for stands in the README with its reason and licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = set(project["dependencies"]).union(*project["optional-dependencies"].values())
    names = {name.split(">")[0].split("[")[0].split(";")[0].strip() for name in asked} - {"clipwise"}
    text = README.read_text(encoding="utf-8")
    missing = sorted(name for name in names if f"| `{name}`" not in text)
    assert not missing


def test_each_function_of_the_table_is_there() -> None:
    """The table of the wiring names the functions that exist, and no others."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert folders == set(wiring().functions)


def test_what_a_function_sets_off_is_listened_to() -> None:
    """No function publishes into the void, and no stage waits for an event that nobody sends."""
    table = wiring()
    sent = {target for row in table.functions.values() for target in row.publishes}
    scheduled = {row.trigger.topic for row in table.functions.values() if row.trigger.every_minutes}
    heard = {row.trigger.topic or row.trigger.bucket for row in table.functions.values()} - {None}
    assert heard == sent | scheduled
