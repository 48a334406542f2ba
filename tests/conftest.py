"""What holds for all tests."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest

from infra.demo.video import render
from shared.media.audio import ffmpeg_binary


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say last what did not run. The reason of a skip names the command after which it would."""
    yield
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    if reasons:
        terminalreporter.section("skipped, and what it takes to run")
        for reason, number in reasons.most_common():
            terminalreporter.line(f"{number} × {reason}", yellow=True)


# Programs inherit that SIGINT is ignored, as it is where `nohup` or a script's `&` runs the suite.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Tests open thousands of HTTP clients, each of which would read all certificate authorities for itself."""
    transport = httpx._transports.default
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session")
def cooking_clip(cooking_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its beginning: the title, who it is for, and all ingredients."""
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    cut = ["-i", str(cooking_video), "-t", "8.6", "-map", "0", "-c", "copy", str(path)]
    subprocess.run([ffmpeg_binary(), "-v", "error", *cut], check=True, timeout=60)
    return path


@pytest.fixture(scope="session")
def cooking_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's video: on-screen text, subtitles, sound. The first worker that wants it renders it for all."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, part = folder / "cooking.mp4", folder / "cooking.part"
    with (folder / "cooking.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            render(part, lambda _: None)
            part.rename(path)
    return path
