"""The wiring table, and the names by which code refers to its functions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shared.analyses.kinds import kinds
from shared.wiring import ANALYZE, DOWNLOAD, EXTRACT, NOTIFY, PERSIST, TRANSCRIBE, wiring

ROOT = Path(__file__).parents[2]
STAGES = (DOWNLOAD, EXTRACT, TRANSCRIBE, ANALYZE, PERSIST)


def test_each_stage_is_a_function_with_a_share_of_the_progress() -> None:
    """A job never names a stage that nothing runs, and its progress bar reaches the end."""
    functions = wiring().functions
    assert all(functions[stage].weight for stage in STAGES)
    assert NOTIFY in functions
    for kind in kinds().values():
        assert list(kind.stages) == [stage for stage in STAGES if stage in kind.stages]


@pytest.mark.parametrize("folder", ["shared", "functions"])
def test_the_name_of_a_stage_is_written_once(folder: str) -> None:
    """A stage is renamed in `shared.wiring` and the table; no module compares with a string of its own.

    The tasks of an AI provider, which are methods of it, have two of the names.
    """
    examples = {ROOT / "functions" / "api" / "openapi.py", ROOT / "shared" / "wiring.py"}
    examples |= {*(ROOT / "shared" / "ai").rglob("*.py")}
    for path in (ROOT / folder).rglob("*.py"):
        constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        assert path in examples or not [node.lineno for node in constants if node.value in STAGES], path
