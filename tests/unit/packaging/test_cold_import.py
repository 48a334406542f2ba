"""What a function loads before its first event: next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.packaging.package import stage_sources
from shared.wiring import wiring

HEAVY = {
    "argon2",
    "cryptography",
    "apify_client",
    "av",
    "cv2",
    "ffmpeg",
    "google.genai",
    "grpc",
    "httpcore2",
    "httpx",
    "mcp",
    "httpx2",
    "jwt",
    "numpy",
    "onnxruntime",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "prometheus_client",
    "openai",
    "rapidocr",
    "smtplib",
    "snowballstemmer",
    "yaml",
    "yt_dlp",
}
# The framework's own modules in Google's namespace.
FRAMEWORK = "google.cloud.functions"


def loaded_by(name: str, folder: Path) -> set[str]:
    """The modules of a fresh process that has loaded the function as its host does."""
    script = "import main, sys; print(*sys.modules, sep='\\n')"
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=stage_sources(name, folder), capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


@pytest.mark.parametrize("name", wiring().functions)
def test_nothing_heavy_is_loaded_before_the_first_event(name: str, tmp_path: Path) -> None:
    """A cold start pays for no decoder, no model and no client; an instance that only acknowledges never does."""
    loaded = loaded_by(name, tmp_path)
    assert not loaded & HEAVY
    clients = {module for module in loaded if module.startswith("google.cloud.")}
    assert not {client for client in clients if not client.startswith(FRAMEWORK)}
    assert ("fastapi" in loaded) == (name == "api")
