"""Packages each function as a zip: its own code, the modules of `shared` that it reaches, its pinned requirements.

The zip depends on these contents only, not on times or file order, and its name contains their hash. A function that
did not change has the same package and is not deployed again.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.packaging.models import (
    FOLDER,
    UnusableModel,
    choose_models,
    copy_models,
    model_extras,
    models_for,
    write_needs,
)
from shared.ai.catalogue import CatalogueModel
from shared.tables import COMPILED_SUFFIX, read_table
from shared.wiring import wiring

ROOT = Path(__file__).parents[2]
FUNCTION_PACKAGES = ("functions", "shared")
# The cloud uses its own place's adapters only.
EXCLUDED_MODULES = frozenset({"shared.platform.embedded"})
# Modules that a function imports but never calls; they would add their libraries to its package.
FRAME_ANALYSIS = frozenset({"shared.ai.offline.makers", "shared.ai.screen"})
LOCAL_SPEECH = frozenset({"shared.ai.offline.speech"})
LOCAL_EMBEDDING = frozenset({"shared.ai.offline.embedding", "shared.ai.offline.sentence_model"})
IMAGE_MEASURES = frozenset({"shared.images.pixels"})
UNUSED_MODULES = {
    "transcribe": FRAME_ANALYSIS | LOCAL_EMBEDDING,
    "analyze": LOCAL_SPEECH | LOCAL_EMBEDDING,
    "persist": FRAME_ANALYSIS | LOCAL_SPEECH,
    "api": FRAME_ANALYSIS | LOCAL_SPEECH,
    "crawl": IMAGE_MEASURES,
}
# What yt-dlp's extra `default` adds to decompress pages, which Clipwise requests uncompressed, and to tag audio files.
UNUSED_REQUIREMENTS = {"download": ("brotli", "brotlicffi", "mutagen")}
DATA_SUFFIXES = (".html", ".json", ".yaml", ".txt")
SERVED_FOLDERS = {"api": "web"}
"""Folders that a function serves as they are."""
SERVED_SUFFIXES = (".css", ".html", ".js", ".mp4", ".png", ".svg", ".txt", ".webmanifest", ".webp")
ENTRY_TEMPLATE = '''"""Where the function host looks for `{name}`."""

import logging
import os
import warnings
{environment}
# The search for plugins of pydantic reads the metadata of every installed distribution.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from shared.garbage_collection import collector_paused

with collector_paused():
    from pydantic import BaseModel
    from pydantic.warnings import UnsupportedFieldAttributeWarning

    # Builds a model when it is first used: an instance uses few of them, and none of FastAPI's for OpenAPI documents.
    BaseModel.model_config["defer_build"] = True
    # FastAPI silences this only while it declares a route, when its models are not built yet.
    warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
    from functions.{name}.main import {name}
    from shared.logs import CloudFormatter, configure_logging

configure_logging(CloudFormatter(), logging.INFO)

__all__ = ["{name}"]
'''
MODELS_TEMPLATE = f'''from pathlib import Path

os.environ.setdefault("MODELS_DIR", str(Path(__file__).with_name("{FOLDER}")))
'''
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """A function's package; `size` is the size of the archive in bytes."""

    function: str
    folder: Path
    """The staged sources, as the function host sees them."""
    archive: Path
    size: int


def package_all(out: Path, models: Sequence[CatalogueModel] = ()) -> list[Package]:
    """Stage and zip every function of the wiring table below `out`, with those of the models that it may contain."""
    packages = [build_package(name, out, models) for name in wiring().functions]
    write_needs(out, models)
    return packages


def build_package(name: str, out: Path, models: Sequence[CatalogueModel] = ()) -> Package:
    folder = stage_sources(name, out)
    own_models = models_for(name, models)
    if copy_models(own_models, folder):
        write_entry(name, folder, MODELS_TEMPLATE)
    requirements = export_requirements(name, model_extras(own_models))
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    archive = zip_folder(folder, out)
    return Package(name, folder, archive, archive.stat().st_size)


def stage_sources(name: str, out: Path, excluded: frozenset[str] = EXCLUDED_MODULES) -> Path:
    """Copy the function's sources into a folder below `out`, laid out for the function host, and return it."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    for source in source_files(name, excluded):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        if source.suffix == ".yaml":
            compile_table(target)
    write_entry(name, folder)
    return folder


def compile_table(path: Path) -> None:
    """Write a table beside itself as JSON, which a cold start reads without loading a YAML parser.

    A table with values that JSON lacks, such as dates, stays in YAML alone.
    """
    table = read_table(path)
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), default=str)
    if json.loads(text) == table:
        path.with_suffix(COMPILED_SUFFIX).write_text(text, encoding="utf-8")


def write_entry(name: str, folder: Path, environment: str = "") -> None:
    """Write the entry point; `environment` is code that precedes the imports of the function."""
    entry = ENTRY_TEMPLATE.format(name=name, environment=environment)
    (folder / "main.py").write_text(entry, encoding="utf-8")


def source_files(name: str, excluded: frozenset[str] = EXCLUDED_MODULES) -> set[Path]:
    """Return the function's files: the modules its `main.py` reaches, the data beside them, and the wiring table."""
    modules = reachable_files(ROOT / "functions" / name / "main.py", excluded | UNUSED_MODULES.get(name, frozenset()))
    data = {path for module in modules for path in module.parent.iterdir() if path.suffix in DATA_SUFFIXES}
    return modules | data | served_files(name) | {ROOT / "functions" / "pipeline.yaml"}


def served_files(name: str) -> set[Path]:
    """Return the files that the function serves; not what npm has installed beside them."""
    folder = SERVED_FOLDERS.get(name)
    files = (ROOT / folder).rglob("*") if folder else iter(())
    return {path for path in files if path.suffix in SERVED_SUFFIXES and "node_modules" not in path.parts}


def reachable_files(start: Path, excluded: frozenset[str] = frozenset()) -> set[Path]:
    """Return the project's files that `start` imports, directly or not, with the `__init__.py` of their packages.

    Imports inside functions count, imports for type checkers only do not. A package that is searched at run time
    (`pkgutil`) counts as importing all its modules. Does not follow modules at or below a dotted name in `excluded`.
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
    """Return the dotted names that a file imports, with duplicates; cached, since functions share most modules."""
    nodes = list(_runtime_nodes(ast.parse(path.read_text(encoding="utf-8"), str(path))))
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module)
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    if "pkgutil" in names:
        package = ".".join(path.relative_to(ROOT).parent.parts)
        names += (f"{package}.{sibling.stem}" for sibling in sorted(path.parent.glob("*.py")))
    return names


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a tree in any order, except those in `if TYPE_CHECKING` blocks."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        # No expression contains an import.
        pending.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _module_files(name: str) -> Iterator[Path]:
    if name.split(".")[0] not in FUNCTION_PACKAGES:
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


def export_requirements(name: str, model_extras: Sequence[str] = ()) -> str:
    """Return the locked versions, with hashes, of what the function, its models and the cloud's adapters import."""
    command = [uv_path(), "export", "--frozen", "--no-default-groups"]
    command += [f"--extra={extra}" for extra in (name, "gcp", *model_extras)]
    command += [f"--no-emit-package={package}" for package in UNUSED_REQUIREMENTS.get(name, ())]
    result = subprocess.run(
        [*command, "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout


def install_requirements(requirements: Path, folder: Path) -> Path:
    """Create an environment in `folder` with pinned requirements, checking their hashes; return its Python."""
    python = folder / "bin" / "python"
    subprocess.run([uv_path(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
    command = [uv_path(), "pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
    command += ["-r", str(requirements)]
    # Hashes are pinned, so uv's cache is as good as the index, which is queried only for missing files.
    if subprocess.run([*command, "--offline"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run(command, check=True)
    return python


def uv_path() -> str:
    """Return uv's path; if it is not on the PATH, `make` has installed it in .venv."""
    return shutil.which("uv") or str(ROOT / ".venv" / "uv" / "bin" / "uv")


def zip_folder(folder: Path, out: Path) -> Path:
    """Zip the folder as `out/NAME-HASH.zip`, replacing earlier archives of it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    archive = out / f"{folder.name}-{digest.hexdigest()[:16]}.zip"
    for old in out.glob(f"{folder.name}-*.zip"):
        old.unlink()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, bundle.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the functions' packages in dist/.")
    parser.add_argument("--models", nargs="*", default=[], help="local models that the packages contain")
    try:
        models = choose_models(parser.parse_args().models)
    except UnusableModel as error:
        parser.error(str(error))
    for package in package_all(ROOT / "dist", models):
        print(f"{package.archive.relative_to(ROOT)}  {package.size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
