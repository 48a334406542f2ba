"""Terraform itself, run over a copy of the project, against the stand-in for Google's provider."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.wiring import wiring
from tests.terraform.state_server import StateServer

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "provider"
CACHE = TOOLS / "schema"
SERVER = Path(__file__).parent / "provider" / "serve.py"
NEEDED = (1, 11)
USED = re.compile(r'^(resource|data) "((?:google|time)_\w+)"', re.M)
OF_BETA = {"google_project_service_identity"}
PROJECT = "my-clipwise"
PACKAGE_HASH = "0123456789abcdef"


def missing() -> str | None:
    """Why Terraform cannot be run here; None when it can."""
    if shutil.which("terraform") is None:
        return "Terraform is not installed; put `terraform` 1.11 or newer on the PATH"
    found = json.loads(subprocess.run(["terraform", "version", "-json"], capture_output=True, env=environ()).stdout)
    version = tuple(map(int, found["terraform_version"].split("-")[0].split(".")[:2]))
    if version < NEEDED:
        return f"this is Terraform {found['terraform_version']}; put `terraform` 1.11 or newer on the PATH"
    if not (TOOLS / ".installed").exists():
        return "the provider's schema is not installed; run `make terraform-deps`"
    return None


def environ(reattach: str = "") -> dict[str, str]:
    """No configuration of this machine's, no other credentials, no color, no look at the internet."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
        "TF_CLI_ARGS": "-no-color",
        "TF_REATTACH_PROVIDERS": reattach,
        "CHECKPOINT_DISABLE": "1",
        # Memory is there, and collecting garbage as often as Go does by itself takes a third of Terraform's time.
        "GOGC": "400",
    }


def archive(provider: str) -> Path:
    """The bindings that carry the provider's schema."""
    package = f"cdktf_cdktf_provider_{provider.replace('-', '_')}"
    return next(TOOLS.glob(f"lib/python*/site-packages/{package}/_jsii/*.tgz"))


@contextmanager
def served_provider(*, foresee: bool = False) -> Iterator[str]:
    """The stand-in, with the schema of everything that terraform/ uses; gives `TF_REATTACH_PROVIDERS`.

    Args:
        foresee: Whether a plan is to hold what Google would tell only after apply.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "terraform").rglob("*.tf"))
    providers: dict[str, dict[str, Any]] = {
        name: {"archive": str(archive(name)), "names": []} for name in ("google", "google-beta", "time")
    }
    for kind, name in sorted(set(USED.findall(text))):
        owner = "google-beta" if name in OF_BETA else name.partition("_")[0]
        providers[owner]["names"].append(("data." if kind == "data" else "") + name)
    config = {"cache": str(CACHE), "foresee": foresee, "providers": providers}
    command = [TOOLS / "bin" / "python", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        server.stdin.write(json.dumps(config) + "\n")
        server.stdin.flush()
        try:
            yield server.stdout.readline().strip()
        finally:
            server.communicate()


@dataclass(frozen=True)
class Resource:
    type: str
    name: str
    key: str | None
    """Of `for_each`."""
    values: dict[str, Any]


class Failed(AssertionError):
    """Terraform said no; the message is what it said."""


class Workspace:
    """A copy of what Terraform reads, in a folder of its own, where a test may make mistakes."""

    def __init__(self, folder: Path, reattach: str, example: str = "dev") -> None:
        self.root = folder
        self.example = folder / "terraform" / "examples" / example
        self._environ = environ(reattach)
        shutil.copytree(
            ROOT / "terraform", folder / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
        for path in ("functions/pipeline.yaml", "infra/firestore"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile
            copy(ROOT / path, folder / path)
        (folder / "dist").mkdir()
        self.package_all()

    def package_all(self) -> None:
        """Let there be the first package of each function."""
        for name in wiring().functions:
            self.package(name, PACKAGE_HASH)

    def package(self, function: str, digest: str) -> None:
        """Let there be this package of the function, and no other."""
        for old in (self.root / "dist").glob(f"{function}-*.zip"):
            old.unlink()
        (self.root / "dist" / f"{function}-{digest}.zip").write_text(digest)

    def change(self, path: str, old: str, new: str) -> None:
        """Replace text that must be there, once."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} has {text.count(old)} places like {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *command: str, where: Path | None = None, **more: str) -> str:
        """What it prints. Raises Failed."""
        done = subprocess.run(
            ["terraform", *command],
            cwd=where or self.example,
            env=self._environ | more,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        return done.stdout

    def init(self, states: StateServer) -> None:
        """Prepare the example."""
        # Not in the example's folder, where Terraform would take the file for a local state to be moved.
        address = states.address(self.root / "terraform.tfstate")
        backend = f'terraform {{\n  backend "http" {{\n    address = "{address}"\n  }}\n}}\n'
        (self.example / "backend_override.tf").write_text(backend, encoding="utf-8")
        self.run("init", "-input=false")

    def apply(self, *variables: str, **more: str) -> list[Resource]:
        """Plan, apply, and what there is then, where all that is known after apply is made up."""
        given = [f"-var={variable}" for variable in (f"project_id={PROJECT}", *variables)]
        self.run("apply", "-auto-approve", "-input=false", "-parallelism=40", *given, **more)
        return self.state()

    def plan(self, *variables: str, **more: str) -> list[tuple[str, list[str]]]:
        """What would change: addresses and actions."""
        changes = self._planned(*variables, **more)["resource_changes"]
        idle = (["no-op"], ["read"])
        return [
            (each["address"], each["change"]["actions"]) for each in changes if each["change"]["actions"] not in idle
        ]

    def foreseen(self) -> list[Resource]:
        """What there would be; whole only when the stand-in foresees."""
        return resources(self._planned()["planned_values"])

    def state(self) -> list[Resource]:
        return resources(json.loads(self.run("show", "-json"))["values"])

    def show(self, plan: Path) -> dict[str, Any]:
        """Terraform's description of a saved plan, which lies beside its configuration."""
        shown: dict[str, Any] = json.loads(self.run("show", "-json", plan.name, where=plan.parent))
        return shown

    def _planned(self, *variables: str, **more: str) -> dict[str, Any]:
        given = [f"-var={variable}" for variable in (f"project_id={PROJECT}", *variables)]
        self.run("plan", "-input=false", "-parallelism=40", "-out=plan", *given, **more)
        return self.show(self.example / "plan")


def resources(values: dict[str, Any]) -> list[Resource]:
    """All modules', from Terraform's description of a state or a plan."""
    root = values["root_module"]
    return [
        Resource(each["type"], each["name"], each.get("index"), each["values"])
        for module in (root, *root.get("child_modules", []))
        for each in module.get("resources", [])
        if each["mode"] == "managed"
    ]
