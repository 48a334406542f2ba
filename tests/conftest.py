"""What holds for all tests."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from infra.demo.video import render_video
from shared.settings import HASHING
from tests.environment import neutralize
from tests.media_samples import ffmpeg
from tests.patience import PATIENCE_SEC
from tests.scheduling import SharingScheduling
from tests.server import SERVING


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduling | None:
    """Keep the tests together that share servers."""
    return SharingScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Spare the collector all that was imported and collected, which it would look through again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say last what did not run. The reason of a skip names the command after which it would."""
    yield
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    if reasons:
        terminalreporter.section("skipped, and what it takes to run")
        for reason, number in reasons.most_common():
            terminalreporter.line(f"{number} × {reason}", yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows unexpected errors of the servers that ran meanwhile, whose logs stay where the tests ran."""
    report = yield
    if report.failed:
        for server in SERVING:
            report.sections += [(f"said by {server.data.name}", trace) for trace in server.incidents()[-2:]]
    return report


# What is drawn at random, and how long it takes, differs between runs.
settings.register_profile("everywhere", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("everywhere")

neutralize(os.environ)
# Tests that are not about meaning do not start the embedding model; those that are change this.
os.environ["OFFLINE_EMBED_MODEL"] = HASHING
# Tests run benchmarks only to see that they work.
os.environ["BENCHMARK_SMOKE"] = "1"

# Programs inherit that SIGINT is ignored, as it is where `nohup` or a script's `&` runs the suite.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def http_clients_of_tests() -> Iterator[None]:
    """They are patient, and do not each read all certificate authorities: tests open thousands of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx._transports.default, "create_ssl_context", cache(httpx.create_ssl_context))
        for phase in ("connect", "read", "write", "pool"):
            patch.setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, PATIENCE_SEC)
        yield


@pytest.fixture(scope="session")
def cooking_clip(cooking_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its beginning: the title, who it is for, and all ingredients."""
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return ffmpeg(path, "-i", cooking_video, "-t", "8.6", "-map", "0", "-c", "copy")


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
            render_video(part, lambda _: None)
            part.rename(path)
    return path
