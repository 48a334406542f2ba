"""Function packages: each function's own code, what of `shared` it reaches, and its pinned requirements, as a zip.

The zip depends on nothing but these contents (no times, no order of the file system), and its name carries their hash:
a function that did not change has the same package and is not deployed again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.imports import ROOT, reached
from shared.wiring import wiring

# The other places' adapters are never asked for in the cloud.
LEFT_OUT = frozenset({"shared.platform.embedded"})
# What could be done there and is never asked for: with these modules their libraries would come along.
LOOKING = frozenset({"shared.ai.offline.makers", "shared.ai.screen"})
LISTENING = frozenset({"shared.ai.offline.speech"})
COMPARING = frozenset({"shared.ai.offline.embedding"})
MEASURING = frozenset({"shared.images.measures", "shared.images.pixels"})
NEVER_ASKED = {
    "transcribe": LOOKING | COMPARING,
    "analyze": LISTENING | COMPARING,
    "persist": LOOKING | LISTENING,
    "api": LOOKING | LISTENING,
    "crawl": MEASURING,
}
DATA = (".html", ".json", ".yaml", ".txt")
ENTRY = '''"""Where the function host looks for `{name}`."""

import logging

from functions.{name}.main import {name}
from shared.logs import CloudFormatter, configure

configure(CloudFormatter(), logging.INFO)

__all__ = ["{name}"]
'''
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    function: str
    folder: Path
    """The staged sources, as the function host sees them."""
    archive: Path
    size: int
    """Bytes of the archive."""


def package_all(out: Path) -> list[Package]:
    """Stage and zip every function of the table below `out`."""
    return [package(name, out) for name in wiring().functions]


def package(name: str, out: Path) -> Package:
    folder = stage(name, out)
    (folder / "requirements.txt").write_text(requirements(name), encoding="utf-8")
    archive = zip_folder(folder, out)
    return Package(name, folder, archive, archive.stat().st_size)


def stage(name: str, out: Path, leave_out: frozenset[str] = LEFT_OUT) -> Path:
    """Lay out the function's sources in a folder below `out`, as the function host sees them."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    for source in sources(name, leave_out):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (folder / "main.py").write_text(ENTRY.format(name=name), encoding="utf-8")
    return folder


def sources(name: str, leave_out: frozenset[str] = LEFT_OUT) -> set[Path]:
    """The files a function consists of: what its `main.py` reaches, the data beside these, and the table."""
    modules = reached(ROOT / "functions" / name / "main.py", leave_out | NEVER_ASKED.get(name, frozenset()))
    data = {path for module in modules for path in module.parent.iterdir() if path.suffix in DATA}
    return modules | data | {ROOT / "functions" / "pipeline.yaml"}


def requirements(name: str) -> str:
    """The locked versions, with hashes, of what the function and the cloud's adapters import."""
    command = [uv(), "export", "--frozen", "--no-default-groups", "--extra", name, "--extra", "gcp"]
    exported = subprocess.run(
        [*command, "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return exported.stdout


def uv() -> str:
    """Where uv is not installed, `make` has put one into .venv."""
    return shutil.which("uv") or str(ROOT / ".venv" / "uv" / "bin" / "uv")


def zip_folder(folder: Path, out: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    archive = out / f"{folder.name}-{digest.hexdigest()[:16]}.zip"
    for old in out.glob(f"{folder.name}-*.zip"):
        old.unlink()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, path.read_bytes())
    return archive


if __name__ == "__main__":
    for made in package_all(ROOT / "dist"):
        print(f"{made.archive.relative_to(ROOT)}  {made.size / 1000:.0f} kB")
