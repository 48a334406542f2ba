"""Which of our own modules a module reaches: by its import statements, those inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("functions", "shared")


def reachable_files(start: Path, excluded: frozenset[str] = frozenset()) -> set[Path]:
    """Files of this project that `start` imports, directly or not, with the `__init__.py` of their packages.

    A package that is searched at run time (`pkgutil`) counts as importing all its modules; what is imported for type
    checkers only does not count. Modules below a dotted
    name in `leave_out` are not followed.
    """
    files: set[Path] = set()
    pending = [start.resolve()]
    while pending:
        path = pending.pop()
        if path in files:
            continue
        files.add(path)
        pending.extend(_package_files(path))
        for name in _import_names(path):
            if not any(name == prefix or name.startswith(f"{prefix}.") for prefix in excluded):
                pending.extend(_module_files(name))
    return files


@cache
def _import_names(path: Path) -> list[str]:
    """Dotted names, once for each time that they are imported; functions have most of their modules in common."""
    nodes = list(_runtime_nodes(ast.parse(path.read_text(encoding="utf-8"), str(path))))
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


def _runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All there is below a node but what only type checkers read."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _runtime_nodes(child)


def _module_files(name: str) -> Iterator[Path]:
    if name.split(".")[0] not in OURS:
        return
    path = ROOT.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        yield path.with_suffix(".py")
    elif (path / "__init__.py").is_file():
        yield path / "__init__.py"


def _package_files(path: Path) -> Iterator[Path]:
    for folder in path.parents:
        if folder == ROOT:
            return
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"
