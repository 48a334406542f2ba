"""Function packages: each function's own code, what of `shared` it reaches, and its pinned requirements, as a zip.

The zip depends on nothing but these contents (no times, no order of the file system), and its name carries their hash:
a function that did not change has the same package and is not deployed again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.imports import ROOT, reachable_files
from shared.wiring import wiring

# The other places' adapters are never asked for in the cloud.
EXCLUDED_MODULES = frozenset({"shared.platform.embedded"})
# What could be done there and is never asked for: with these modules their libraries would come along.
FRAME_ANALYSIS = frozenset({"shared.ai.offline.makers", "shared.ai.screen"})
LOCAL_SPEECH = frozenset({"shared.ai.offline.speech"})
LOCAL_EMBEDDING = frozenset({"shared.ai.offline.embedding"})
IMAGE_MEASURES = frozenset({"shared.images.pixels"})
UNUSED_MODULES = {
    "transcribe": FRAME_ANALYSIS | LOCAL_EMBEDDING,
    "analyze": LOCAL_SPEECH | LOCAL_EMBEDDING,
    "persist": FRAME_ANALYSIS | LOCAL_SPEECH,
    "api": FRAME_ANALYSIS | LOCAL_SPEECH,
    "crawl": IMAGE_MEASURES,
}
DATA = (".html", ".json", ".yaml", ".txt")
ENTRY_TEMPLATE = '''"""Where the function host looks for `{name}`."""

import logging

from functions.{name}.main import {name}
from shared.logs import CloudFormatter, configure_logging

configure_logging(CloudFormatter(), logging.INFO)

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
    return [build_package(name, out) for name in wiring().functions]


def build_package(name: str, out: Path) -> Package:
    folder = stage_sources(name, out)
    (folder / "requirements.txt").write_text(export_requirements(name), encoding="utf-8")
    archive = zip_folder(folder, out)
    return Package(name, folder, archive, archive.stat().st_size)


def stage_sources(name: str, out: Path, excluded: frozenset[str] = EXCLUDED_MODULES) -> Path:
    """Lay out the function's sources in a folder below `out`, as the function host sees them."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    for source in source_files(name, excluded):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (folder / "main.py").write_text(ENTRY_TEMPLATE.format(name=name), encoding="utf-8")
    return folder


def source_files(name: str, excluded: frozenset[str] = EXCLUDED_MODULES) -> set[Path]:
    """The files a function consists of: what its `main.py` reaches, the data beside these, and the table."""
    modules = reachable_files(ROOT / "functions" / name / "main.py", excluded | UNUSED_MODULES.get(name, frozenset()))
    data = {path for module in modules for path in module.parent.iterdir() if path.suffix in DATA}
    return modules | data | {ROOT / "functions" / "pipeline.yaml"}


def export_requirements(name: str) -> str:
    """The locked versions, with hashes, of what the function and the cloud's adapters import."""
    command = [uv_path(), "export", "--frozen", "--no-default-groups", "--extra", name, "--extra", "gcp"]
    result = subprocess.run(
        [*command, "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout


def uv_path() -> str:
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
    for built in package_all(ROOT / "dist"):
        print(f"{built.archive.relative_to(ROOT)}  {built.size / 1000:.0f} kB")


def install_requirements(requirements: Path, folder: Path) -> Path:
    """Make an environment in `folder` from pinned requirements, hashes checked; return its Python."""
    python = folder / "bin" / "python"
    subprocess.run([uv_path(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
    command = [
        uv_path(),
        "pip",
        "install",
        "--quiet",
        "--python",
        str(python),
        "--require-hashes",
        "-r",
        str(requirements),
    ]
    # Hashes are pinned, so what uv has kept of an earlier run is as good; the index is asked for what it has not.
    if subprocess.run([*command, "--offline"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run(command, check=True)
    return python
