"""The Python interpreters of this machine that Clipwise supports, and the one that Terraform deploys on."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
# Where version managers keep interpreters that need not be on the PATH.
_MANAGERS = (
    (os.environ.get("PYENV_ROOT", "~/.pyenv"), "versions/*/bin"),
    ("~/.asdf", "installs/python/*/bin"),
    ("~/.local/share/mise", "installs/python/*/bin"),
    ("~/.local/share/uv", "python/*/bin"),
)


def supported_versions() -> list[str]:
    """Such as 3.11, as `requires-python` has them, in order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    supported = SpecifierSet(project["requires-python"])
    return [version for minor in range(100) if f"{(version := f'3.{minor}')}.0" in supported]


def deployed_version() -> str:
    """The version of the runtime that terraform/ names unless its user names another."""
    variables = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    runtime = re.search(r'variable "runtime" \{.*?default\s*=\s*"python(\d)(\d+)"', variables, re.DOTALL)
    assert runtime, "terraform/variables.tf names no runtime"
    return f"{runtime[1]}.{runtime[2]}"


def installed_interpreters() -> dict[str, Path]:
    """Version to path of each supported interpreter that runs and can make environments; those on the PATH first."""
    interpreters: dict[str, Path] = {}
    for version in supported_versions():
        for folder in _folders():
            candidate = folder / f"python{version}"
            if candidate.exists() and _is_usable(candidate, version):
                interpreters[version] = candidate
                break
    return interpreters


def _folders() -> Iterator[Path]:
    yield from map(Path, os.get_exec_path())
    for root, pattern in _MANAGERS:
        yield from sorted(Path(root).expanduser().glob(pattern), reverse=True)


def _is_usable(python: Path, version: str) -> bool:
    """A shim of a version manager exists for each version, and works for the chosen one only."""
    check = "import ensurepip, sys; print(sys.prefix == sys.base_prefix, '%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", check], capture_output=True, text=True, check=False)
    return result.stdout.split() == ["True", version]
