"""Where the source raises or returns errors, read from its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEMBER = re.compile(r"\w+Code\.([A-Z_]+)(\.value)?")


@dataclass(frozen=True)
class Site:
    """A line that names a code.

    Attributes:
        maker: The exception, `JobError` or `problem` that gets the code; empty where a member is passed on.
        code: None where the site passes on the code of another error.
        retry: Whether the maker promises that a retry can help; None where it promises nothing.
    """

    where: str
    maker: str
    code: str | None
    retry: bool | None


@cache
def trees() -> dict[str, ast.Module]:
    """The modules of the product but the registry, by path."""
    paths = [path for folder in ("shared", "functions", "infra") for path in ROOT.glob(f"{folder}/**/*.py")]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {
        name: ast.parse(path.read_text(encoding="utf-8"))
        for name, path in names.items()
        if not name.startswith("shared/error_codes/")
    }


@cache
def exceptions() -> dict[str, bool]:
    """The names of ClipwiseError's subclasses, and whether each is transient."""
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    transient = {"ClipwiseError": False}
    before = 0
    while len(transient) != before:
        before = len(transient)
        for node in classes:
            bases = [ast.unparse(base) for base in node.bases]
            if set(bases) & set(transient):
                transient[node.name] = node.name == "TransientError" or any(transient.get(base) for base in bases)
    return transient


@cache
def sites() -> list[Site]:
    return list(_sites())


def _sites() -> Iterator[Site]:
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in exceptions():
                yield from _inherited(name, node)
            elif isinstance(node, ast.Call):
                yield from _called(name, node)


def _inherited(name: str, node: ast.ClassDef) -> Iterator[Site]:
    """A subclass that has a code of its own."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__" and _constant(call.args[0]):
            yield Site(f"{name}:{call.lineno}", node.name, _constant(call.args[0]), exceptions()[node.name])


def _called(name: str, node: ast.Call) -> Iterator[Site]:
    where, maker = f"{name}:{node.lineno}", _name(node.func)
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if maker == "JobError":
        retry = named.get("retryable")
        yield Site(where, maker, _constant(named["code"]), retry.value if isinstance(retry, ast.Constant) else None)
    elif maker == "problem" and not name.startswith("infra/"):
        yield Site(where, maker, _constant(node.args[0]), None)
    elif maker in exceptions() and maker != "RateLimited":
        yield Site(where, maker, _constant(node.args[0]), exceptions()[maker])
    for argument in node.args:
        if isinstance(argument, ast.Attribute) and (match := MEMBER.fullmatch(ast.unparse(argument))):
            yield Site(where, "", match[1].lower(), None)


def branches() -> Iterator[str]:
    """Comparisons of an error's code with a text."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and _name(node.left) == "code":
                for other in node.comparators:
                    yield from (f"{name}:{node.lineno} {each.value}" for each in ast.walk(other) if _constant(each))


def _name(node: ast.AST) -> str:
    """The last part of a dotted name; empty for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _constant(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
