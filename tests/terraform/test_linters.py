"""What others' checkers say of terraform/ and of the pipelines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.terraform.workspace import ROOT

LINTERS = ROOT / ".venv" / "linters"
SKIPS = ROOT / "terraform" / ".checkov.yaml"


@pytest.fixture(autouse=True)
def installed() -> None:
    if not (LINTERS / ".installed").exists():
        pytest.skip("checkov is not installed; run `make terraform-deps`")


def lint(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTERS / "bin" / command[0], *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_checkov_finds_nothing() -> None:
    """A scanner of infrastructure code finds no weakness but those that terraform/.checkov.yaml gives reasons for."""
    done = lint("checkov", "--config-file", SKIPS, "--directory", ROOT / "terraform")
    assert done.returncode == 0, done.stdout + done.stderr


def test_skips_are_few_and_have_reasons() -> None:
    """Whoever reads the list of skipped checks reads why, line by line."""
    lines = SKIPS.read_text(encoding="utf-8").splitlines()
    skipped = yaml.safe_load(SKIPS.read_text(encoding="utf-8"))["skip-check"]
    assert len(skipped) <= 5
    for check in skipped:
        (line,) = [line for line in lines if check in line]
        assert len(line.partition("#")[2]) > 30, f"{check} has no reason"


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.cloudbuild", "cloudbuild.yaml"),
        ("vendor.cloudbuild", "cloudbuild.plan.yaml"),
        ("vendor.github-workflows", ".github/workflows/ci.yaml"),
        ("vendor.github-workflows", ".github/workflows/deploy.yaml"),
    ],
)
def test_the_pipelines_are_valid(schema: str, file: str) -> None:
    """Cloud Build and GitHub take the files as they are."""
    done = lint("check-jsonschema", "--builtin-schema", schema, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_runs_what_every_change_must_pass() -> None:
    """A pull request is judged by the same script as a change on one's own machine."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["ci"]["steps"][-1] == {"run": ".ci/run"}
