"""Which of our own modules a module reaches: by its import statements, those inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("functions", "shared")


def reached(start: Path, leave_out: frozenset[str] = frozenset()) -> set[Path]:
    """Files of this project that `start` imports, directly or not, with the `__init__.py` of their packages.

    A package that is searched at run time (`pkgutil`) counts as importing all its modules; what is imported for type
    checkers only does not count. Modules below a dotted
    name in `leave_out` are not followed.
    """
    found: set[Path] = set()
    waiting = [start.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_packages_of(path))
        for name in _imported(path):
            if not any(name == left or name.startswith(f"{left}.") for left in leave_out):
                waiting.extend(_files_of(name))
    return found


@cache
def _imported(path: Path) -> list[str]:
    """Dotted names, once for each time that they are imported; functions have most of their modules in common."""
    nodes = list(_run(ast.parse(path.read_text(encoding="utf-8"), str(path))))
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module)
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    if any(isinstance(node, ast.Name) and node.id == "pkgutil" for node in nodes):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        names += (f"{package}.{sibling.stem}" for sibling in sorted(path.parent.glob("*.py")))
    return names


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """All there is below a node but what only type checkers read."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _run(child)


def _files_of(name: str) -> Iterator[Path]:
    if name.split(".")[0] not in OURS:
        return
    path = ROOT.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        yield path.with_suffix(".py")
    elif (path / "__init__.py").is_file():
        yield path / "__init__.py"


def _packages_of(path: Path) -> Iterator[Path]:
    for folder in path.parents:
        if folder == ROOT:
            return
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
