"""Runs Clipwise on every supported interpreter of this machine, and ends with a table.

    python -m tests.matrix          # beside the suite in .venv: the demo; on the newest and the deployed also the tests
    python -m tests.matrix --full   # unit, contract and function tests, the wheel, the oldest and newest libraries

The short form leaves the versions between the suite's and the newest with the demo alone: what works at both ends has
not been known to fail between them, and their tests take as long as the others'.

Fails when the interpreter that Terraform deploys on is missing; ALLOW_MISSING_RUNTIME=1 makes that a warning.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.packaging.package import uv_path
from tests.interpreters import ROOT, deployed_version, installed_interpreters, supported_versions
from tests.wheel import add_strangers

FOLDER = ROOT / ".venv" / "matrix"
AT_ONCE = 2
"""Checks that run at the same time: while one installs or runs the demo, cores are idle."""
CHECKS = ("install", "demo", "tests", "wheel")
WHEEL_MB = 1250
"""A third of it hears and embeds on this machine: docs/decisions/local-models.md. Deno has 96 MB."""
# What meets libraries whose releases differ by interpreter: media, AI services, adapters, deployable packages.
LIBRARY_TESTS = (
    "tests/unit/media",
    "tests/unit/images",
    "tests/unit/ai",
    "tests/unit/gcp",
    "tests/unit/sources",
    "tests/contract",
    "tests/integration/test_packaged_pipeline.py",
)
BROAD_TESTS = ("tests/unit", "tests/contract", "tests/functions", "tests/integration/test_packaged_pipeline.py")

Row = dict[str, str]


class Matrix:
    """The runs and how they ended: a row for each interpreter or set of versions."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.failed = False

    def run(self, row: str, check: str, work: Callable[[Path], str | None]) -> None:
        """Do one check, its output in a log of its own; what `work` returns stands beside the result."""
        log = FOLDER / "logs" / f"{row} {check}.log".replace(" ", "-")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        print(f"{row}: {check} …", flush=True)
        started = time.monotonic()
        try:
            remark = work(log)
            result = "passed" + (f" ({remark})" if remark else "")
        except (subprocess.CalledProcessError, AssertionError) as error:
            self.failed = True
            result = "FAILED"
            tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-40:])
            print(f"{tail}\n{row}: {check} failed: {error} ({log.relative_to(ROOT)})", flush=True)
        self.rows.setdefault(row, {})[check] = f"{result}, {time.monotonic() - started:.0f} s"

    def table(self) -> str:
        checks = [check for check in CHECKS if any(check in row for row in self.rows.values())]
        lines = [
            ["", *checks],
            *([name, *(row.get(check, "–") for check in checks)] for name, row in sorted(self.rows.items())),
        ]
        widths = [max(len(line[column]) for line in lines) for column in range(len(checks) + 1)]
        return "\n".join(
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def execute(log: Path, *command: str | Path, cwd: Path = ROOT, **environ: str) -> None:
    with log.open("ab") as output:
        subprocess.run(
            list(map(str, command)),
            cwd=cwd,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )


def install_locked(log: Path, python: Path, environment: Path) -> None:
    environ = {"UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON": str(python)}
    execute(log, uv_path(), "sync", "--quiet", "--frozen", "--extra", "embedded", **environ)


def install_resolved(log: Path, python: Path, environment: Path, resolution: str) -> None:
    """The versions that pyproject.toml allows, without the lock: `lowest-direct` or `highest`."""
    execute(log, uv_path(), "venv", "--quiet", "--clear", "--python", python, environment)
    command = (
        uv_path(),
        "pip",
        "install",
        "--quiet",
        "--resolution",
        resolution,
        "--python",
        environment / "bin" / "python",
    )
    execute(log, *command, "--group", "dev", "--editable", ".[embedded]")


def run_demo(log: Path, environment: Path, cwd: Path = ROOT) -> None:
    data = environment / "demo"
    shutil.rmtree(data, ignore_errors=True)
    execute(log, environment / "bin" / "clipwise", "demo", cwd=cwd, CLIPWISE_DATA=str(data))


def run_tests(log: Path, environment: Path, tests: tuple[str, ...]) -> str:
    """Returns what pytest counted."""
    workers = str((os.cpu_count() or 1) + 1)
    options = (
        "-q",
        "-p",
        "no:cacheprovider",
        "--numprocesses",
        workers,
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
    )
    execute(log, environment / "bin" / "pytest", *options, *tests)
    return log.read_text(errors="replace").splitlines()[-1].split(" in ")[0]


def try_wheel(log: Path, python: Path, environment: Path, *, locked: bool) -> str:
    """Install the wheel by pip into an empty environment and run the demo; `locked` or the newest allowed versions.

    A user's own packages with our names lie in that environment and in the current folder.

    Returns the size of what was installed. Raises AssertionError above WHEEL_MB.
    """
    dist = environment.with_name(f"{environment.name}-dist")
    shutil.rmtree(dist, ignore_errors=True)
    shutil.rmtree(environment, ignore_errors=True)
    execute(log, uv_path(), "build", "--quiet", "--wheel", "--out-dir", dist)
    execute(log, python, "-m", "venv", environment)
    before = folder_mb(environment)
    [wheel] = dist.glob("*.whl")
    constraints = dist / "constraints.txt"
    constraints.touch()
    if locked:
        options = ("--quiet", "--frozen", "--extra", "embedded", "--no-hashes", "--no-emit-project")
        execute(log, uv_path(), "export", *options, "--output-file", constraints)
    pip = (environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints)
    execute(log, *pip, f"{wheel}[embedded]", cwd=dist)
    size = folder_mb(environment) - before
    assert size <= WHEEL_MB, f"the installation takes {size:.0f} MB, {WHEEL_MB} are allowed"
    [site_packages] = environment.glob("lib/python*/site-packages")
    add_strangers(site_packages)
    add_strangers(dist)
    run_demo(log, environment, cwd=dist)
    return f"{size:.0f} MB"


def folder_mb(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1_000_000


def try_interpreter(matrix: Matrix, version: str, python: Path, tests: tuple[str, ...]) -> None:
    row, environment = f"Python {version}", FOLDER / version
    matrix.run(row, "install", lambda log: install_locked(log, python, environment))
    matrix.run(row, "demo", lambda log: run_demo(log, environment))
    if tests:
        matrix.run(row, "tests", lambda log: run_tests(log, environment, tests))


def try_wheel_on(matrix: Matrix, version: str, python: Path, *, locked: bool) -> None:
    environment = FOLDER / f"wheel-{version}"
    matrix.run(f"Python {version}", "wheel", lambda log: try_wheel(log, python, environment, locked=locked))


def try_versions(matrix: Matrix, python: Path, resolution: str) -> None:
    row, environment = f"{resolution} libraries", FOLDER / resolution
    matrix.run(row, "install", lambda log: install_resolved(log, python, environment, resolution))
    matrix.run(row, "demo", lambda log: run_demo(log, environment))
    matrix.run(row, "tests", lambda log: run_tests(log, environment, BROAD_TESTS))


def main(full: bool) -> int:
    interpreters, deployed = installed_interpreters(), deployed_version()
    missing = sorted(set(supported_versions()) - set(interpreters))
    print(f"Interpreters: {', '.join(interpreters)}; not on this machine: {', '.join(missing) or 'none'}", flush=True)
    matrix = Matrix()
    if deployed not in interpreters:
        print(
            f"\n*** Python {deployed}, on which Terraform deploys, is not on this machine: nothing was tried on it. ***"
        )
        matrix.failed = os.environ.get("ALLOW_MISSING_RUNTIME") != "1"
    here, newest_version = ".".join(map(str, sys.version_info[:2])), list(interpreters)[-1]

    tried = [version for version in interpreters if full or version != here]
    # The longest first.
    tried.sort(key=lambda version: version not in (deployed, newest_version))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = []
        for version in tried:
            tests = BROAD_TESTS if full else LIBRARY_TESTS if version in (deployed, newest_version) else ()
            pending.append(pool.submit(try_interpreter, matrix, version, interpreters[version], tests))
        for version in interpreters if full else [deployed] if deployed in interpreters else []:
            pending.append(pool.submit(try_wheel_on, matrix, version, interpreters[version], locked=not full))
        for each in pending:
            each.result()
    if full:
        oldest, *_, newest = interpreters.values()
        try_versions(matrix, oldest, "lowest-direct")
        try_versions(matrix, newest, "highest")
    print(f"\n{matrix.table()}")
    return int(matrix.failed)


if __name__ == "__main__":
    sys.exit(main("--full" in sys.argv[1:]))
